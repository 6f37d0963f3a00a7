/** Imported by server.ts and by the workers: an edit reloads the workers, and server.ts asks for a restart. */
export const port = Number(process.env.PORT ?? 3000);
export const workers = 3;
export const shopName = 'The Corner Shop';
