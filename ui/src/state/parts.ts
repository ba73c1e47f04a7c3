// What a turn shows: its entries with the pieces of one thing put together.
import { ApprovalState, Chunk_Kind, type Approval, type Decision, type Entry, type FileChange, type Summary, type ToolOutput, type UserMessage } from "../gen/api/v1/api_pb";
import type { Action, Notice, Plan, Question, ToolCall } from "../gen/provider/v1/provider_pb";
import type { Turn } from "./journal";

export type Part =
  | { kind: "user"; seq: number; message: UserMessage; at: number }
  | { kind: "text" | "thought"; seq: number; text: string; open: boolean; from: number; until: number }
  | { kind: "plan"; seq: number; plan: Plan }
  | { kind: "action"; seq: number; action: Action }
  | { kind: "tool"; seq: number; call: ToolCall; output?: ToolOutput; from: number; until: number }
  | { kind: "question"; seq: number; question: Question; decision?: Decision }
  | { kind: "change"; seq: number; change: FileChange }
  | { kind: "notice"; seq: number; notice: Notice }
  | { kind: "summary"; seq: number; summary: Summary };

export type TextPart = Extract<Part, { kind: "text" | "thought" }>;

// Meta is what the small line under an answer tells.
export interface Meta {
  model: string;
  input: number;
  output: number;
  estimated: boolean;
}

export interface Shown {
  parts: Part[];
  meta: Meta;
}

export function shown(turn: Turn): Shown {
  const parts: Part[] = [];
  const meta: Meta = { model: "", input: 0, output: 0, estimated: false };
  const actions = new Map<string, number>();
  const tools = new Map<string, number>();
  const questions = new Map<string, number>();
  let plan = -1;
  // The text that the next piece of the same kind goes on with.
  let open: { part: TextPart; pieces: string[] } | undefined;
  const close = (at: number) => {
    if (open) {
      open.part.text = open.pieces.join("");
      if (at > 0) open.part.until = Math.max(open.part.until, at);
    }
    open = undefined;
  };
  for (const e of turn.entries) {
    const at = Number(e.createdMs);
    const seq = Number(e.seq);
    const piece = textPiece(e);
    if (piece) {
      if (open && open.part.kind === piece.kind) {
        open.pieces.push(piece.text);
        open.part.open = piece.open;
        open.part.until = at;
      } else {
        close(at);
        const part: TextPart = { kind: piece.kind, seq, text: "", open: piece.open, from: at, until: at };
        open = { part, pieces: [piece.text] };
        parts.push(part);
      }
      continue;
    }
    close(at);
    const body = e.body;
    switch (body.case) {
      case "user":
        parts.push({ kind: "user", seq, message: body.value, at });
        break;
      case "plan":
        if (plan < 0) plan = parts.push({ kind: "plan", seq, plan: body.value }) - 1;
        else parts[plan] = { kind: "plan", seq: parts[plan].seq, plan: body.value };
        break;
      case "action": {
        const i = body.value.id ? actions.get(body.value.id) : undefined;
        if (i === undefined) actions.set(body.value.id, parts.push({ kind: "action", seq, action: body.value }) - 1);
        else parts[i] = { kind: "action", seq: parts[i].seq, action: body.value };
        break;
      }
      case "toolCall":
        tools.set(body.value.id, parts.push({ kind: "tool", seq, call: body.value, from: at, until: 0 }) - 1);
        break;
      case "toolOutput": {
        const i = tools.get(body.value.result?.callId ?? "");
        const p = i === undefined ? undefined : parts[i];
        if (i !== undefined && p?.kind === "tool") parts[i] = { ...p, output: body.value, until: at };
        break;
      }
      case "question":
        questions.set(body.value.id, parts.push({ kind: "question", seq, question: body.value }) - 1);
        break;
      case "decision": {
        const i = questions.get(body.value.questionId);
        const p = i === undefined ? undefined : parts[i];
        if (i !== undefined && p?.kind === "question") parts[i] = { ...p, decision: body.value };
        break;
      }
      case "fileChange":
        parts.push({ kind: "change", seq, change: body.value });
        break;
      case "notice":
        parts.push({ kind: "notice", seq, notice: body.value });
        break;
      case "summary":
        parts.push({ kind: "summary", seq, summary: body.value });
        break;
      case "usage":
        meta.input += Number(body.value.inputTokens);
        meta.output += Number(body.value.outputTokens);
        meta.estimated ||= body.value.estimated;
        break;
      case "turn":
        meta.model = body.value.model;
        break;
    }
  }
  close(0);
  // A call stands in the journal before the question about it and is carried out after it: the question goes first.
  const asked = (p: Part) => (p.kind === "tool" ? questions.get(p.call.id) : undefined);
  const ordered = parts.flatMap((p) => {
    if (p.kind === "question" && tools.has(p.question.id)) return [];
    const question = asked(p);
    return question === undefined ? [p] : [parts[question], p];
  });
  return { parts: ordered, meta };
}

// A text interrupted only by a message queued meanwhile is one text: that message belongs to another turn.
function textPiece(e: Entry): { kind: "text" | "thought"; text: string; open: boolean } | undefined {
  if (e.body.case === "text" || e.body.case === "thought") {
    return { kind: e.body.case, text: e.body.value.text, open: false };
  }
  if (e.body.case === "chunk") {
    const kind = e.body.value.kind === Chunk_Kind.THOUGHT ? "thought" : "text";
    return { kind, text: e.body.value.text, open: true };
  }
  return undefined;
}

// answerText is all text of an answer, for copying.
export function answerText(parts: readonly Part[]): string {
  return parts.flatMap((p) => (p.kind === "text" ? [p.text] : [])).join("\n\n");
}

// userMessage is what set the turn off; absent where it is not loaded.
export function userMessage(turn: Turn): UserMessage | undefined {
  for (const e of turn.entries) if (e.body.case === "user") return e.body.value;
  return undefined;
}

export const asks = (a: Approval): boolean => a.state === ApprovalState.PENDING;
