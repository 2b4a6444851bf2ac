/** What servers answer when they refuse, in one form: problem+json of /api and the short errors of /v1. */

export interface ProblemIssue {
  readonly path: string;
  readonly message: string;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly issues: readonly ProblemIssue[] = [],
  ) {
    super(message);
  }
}

/** No answer came: no network, or the server is away. */
export class Unreachable extends Error {}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function issuesOf(value: unknown): ProblemIssue[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((issue) =>
    isRecord(issue) && typeof issue.message === "string"
      ? [{ path: typeof issue.path === "string" ? issue.path : "", message: issue.message }]
      : [],
  );
}

/** The error of an answer; `body` is its decoded JSON or whatever else it held. */
export function apiError(status: number, body: unknown, requestId: string | null = null): ApiError {
  if (isRecord(body)) {
    const text = [body.detail, body.error, body.title].find((t) => typeof t === "string" && t !== "");
    const code = typeof body.code === "string" ? body.code : "";
    if (typeof text === "string") return new ApiError(status, code, text, issuesOf(body.issues));
  }
  const id = requestId === null ? "" : ` (${requestId})`;
  return new ApiError(status, "", `HTTP ${status}${id}`);
}

/** Sentences to show for whatever was thrown. */
export function sentences(error: unknown, offline: string): string[] {
  if (error instanceof Unreachable) return [offline];
  if (error instanceof ApiError && error.issues.length > 0) {
    const told = error.issues.map((issue) =>
      issue.path === "" || issue.path === "$" ? issue.message : `${issue.path}: ${issue.message}`,
    );
    return [error.message, ...told.filter((line) => line !== error.message)];
  }
  return [error instanceof Error ? error.message : String(error)];
}
