import type { ErrorCode } from './control.ts';

/** Where in a file an error has its cause. Counted from 1; null where only the file is known. */
export interface ErrorPlace {
  /** Absolute, or relative to the start folder. */
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
}

export function wholeFile(file: string): ErrorPlace {
  return { file, line: null, column: null };
}

/**
 * An error that a person reads: what happened, where, and what to do. Everything that is not one of these is a defect of
 * ours and is logged with its cause. Recognised by `name`, since every bundle has its own copy of the class.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly code: ErrorCode;
  /** The text says the place as well; this is for those who show it there. */
  readonly place: ErrorPlace | undefined;
  constructor(code: ErrorCode, message: string, place?: ErrorPlace) {
    super(message);
    this.code = code;
    this.place = place;
  }
}

export function isUserError(error: unknown): error is UserError {
  return error instanceof Error && error.name === 'UserError' && 'code' in error;
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
