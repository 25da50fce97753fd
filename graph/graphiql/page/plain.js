"use strict";
(() => {
  const get = (name) => document.getElementById(name);
  const fill = (q) => {
    get("query").value = q.query;
    get("variables").value = JSON.stringify(q.variables || {}, null, 2);
  };
  window.clientele.on("query", fill);
  window.clientele.ready.then((list) => fill(list[0]));
  const run = async () => {
    get("answer").textContent = "…";
    try {
      const answer = await fetch("/graphql", {
        method: "POST", headers: { "Content-Type": "application/json", ...window.clientele.headers() },
        body: JSON.stringify({ query: get("query").value, variables: JSON.parse(get("variables").value || "{}") }),
      });
      get("answer").textContent = JSON.stringify(await answer.json(), null, 2);
    } catch (e) {
      get("answer").textContent = String(e);
    }
  };
  get("run").addEventListener("click", run);
  get("query").addEventListener("keydown", (e) => { if (e.ctrlKey && e.key === "Enter") run(); });
})();
