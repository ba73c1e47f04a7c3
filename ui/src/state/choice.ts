// Which provider and model the next message goes to.
import { computed, signal } from "@preact/signals";
import { api, words } from "../api";
import { AccessMode, type Model, type Provider } from "../gen/api/v1/api_pb";
import { openId, problem, session, table } from "./store";

export interface Choice {
  providerId: string;
  model: string;
}

// Chosen in the new chat, before there is a session to keep it.
export const newChoice = signal<Choice | undefined>(undefined);

// The instructions, workspace and access of the new chat.
export const newPrompt = signal("");
export const newWorkspace = signal("");
export const newAccess = signal(AccessMode.SCOPED);

export const providers = computed<readonly Provider[]>(() =>
  [...table.providers.value.values()].sort(
    (a, b) => Number(a.canned) - Number(b.canned) || a.name.localeCompare(b.name),
  ),
);

// modelsOf gives what a provider offers now, in its own order where it recommends something, else by name.
export function modelsOf(providerId: string): Model[] {
  return [...table.models.value.values()]
    .filter((m) => m.providerId === providerId && !m.vanished)
    .sort((a, b) => Number(b.model?.recommended ?? false) - Number(a.model?.recommended ?? false) || label(a).localeCompare(label(b)));
}

export const label = (m: Model): string => m.model?.name || m.model?.id || "";

function defaultChoice(): Choice {
  const provider = providers.value.find((p) => p.isDefault) ?? providers.value[0];
  return provider ? { providerId: provider.id, model: defaultModel(provider) } : { providerId: "", model: "" };
}

// defaultModel is what the host answers with where no model is named: it settles that, for every client.
export const defaultModel = (provider: Provider): string => provider.answeringModel;

// What the next message goes to, as far as the window can know.
export const choice = computed<Choice>(() => {
  const s = session.value;
  const fallback = defaultChoice();
  if (!openId.value) return newChoice.value ?? fallback;
  if (!s?.providerId) return fallback;
  const provider = table.providers.value.get(s.providerId);
  return { providerId: s.providerId, model: s.model || (provider ? defaultModel(provider) : "") };
});

export const chosenProvider = computed(() => table.providers.value.get(choice.value.providerId));

// choose settles where this chat's messages go from now on.
export async function choose(to: Choice): Promise<void> {
  const id = openId.value;
  if (!id) {
    newChoice.value = to;
    return;
  }
  try {
    await api.sessions.updateSession({ id, providerId: to.providerId, model: to.model });
  } catch (err) {
    problem.value = `The model was not changed. ${words(err)}`;
  }
}

// Nothing but canned answers: nobody has connected a model yet.
export const onlyCanned = computed(() => providers.value.length > 0 && providers.value.every((p) => p.canned));
