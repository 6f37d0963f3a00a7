import type { ErrorCode } from './control.ts';

/**
 * An error that a person reads: what happened, where, and what to do. Everything that is not one of these is a defect of
 * ours and is logged with its cause. Recognised by `name`, since every bundle has its own copy of the class.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export function isUserError(error: unknown): error is UserError {
  return error instanceof Error && error.name === 'UserError' && 'code' in error;
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
