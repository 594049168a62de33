/** Lists all models with their state, licence and source; each can be chosen. */
import type { Model } from "../api.ts";
import { chooseModel } from "../graph/graph-actions.ts";
import { isGraphModel } from "../graph/graph-model.ts";
import { isUsable } from "../model-choice.ts";
import { draft, models } from "../state.ts";
import { ModelFacts, ModelState } from "./model-state.tsx";

export function Models() {
  return (
    <section class="models">
      <h2>Models</h2>
      <ul>
        {models.value.map((model) => (
          <Row key={model.name} model={model} />
        ))}
      </ul>
      <p class="hint">
        Bring your own with <code>models add</code>.
      </p>
    </section>
  );
}

function Row({ model }: { model: Model }) {
  const { name, description } = model;
  return (
    <li>
      <button
        type="button"
        class="row"
        aria-current={draft.value.model === name}
        disabled={!isUsable(model)}
        onClick={() => {
          if (draft.value.model !== name) chooseModel(name);
        }}
      >
        <span class="title">{name}</span>
        <span class="description">{description}</span>
        <ModelFacts model={model} />
      </button>
      {!isGraphModel(name) && <ModelState model={model} />}
    </li>
  );
}
