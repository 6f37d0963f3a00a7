export interface Logger {
  error(text: string): void;
}
