// The bar above both pages: token, language, saved queries. The token stays in this tab (sessionStorage) and is sent to this
// server only.
"use strict";
window.clientele = (() => {
  const store = window.sessionStorage;
  const bar = document.getElementById("bar");
  const make = (tag, attributes, ...children) => {
    const e = Object.assign(document.createElement(tag), attributes);
    e.append(...children);
    return e;
  };
  const token = make("input", {
    type: "password", autocomplete: "off", value: store.getItem("token") || "",
    placeholder: "令牌 · token (clt_… / cls_…)",
  });
  token.setAttribute("aria-label", "令牌 · token");
  const language = make("select", {}, make("option", { value: "zh-CN" }, "中文"), make("option", { value: "en" }, "English"));
  language.value = store.getItem("language") || "zh-CN";
  language.setAttribute("aria-label", "语言 · language");
  const saved = make("select", {}, make("option", { value: "" }, "示例查询 · saved queries"));
  saved.setAttribute("aria-label", "示例查询 · saved queries");
  const listeners = { query: [], token: [] };
  token.addEventListener("change", () => {
    store.setItem("token", token.value.trim());
    listeners.token.forEach((f) => f());
  });
  language.addEventListener("change", () => {
    store.setItem("language", language.value);
    title();
  });
  let queries = [];
  const title = () => {
    [...saved.options].slice(1).forEach((o, i) => { o.textContent = language.value === "en" ? queries[i].en : queries[i].zh; });
  };
  saved.addEventListener("change", () => {
    const q = queries[Number(saved.value)];
    if (saved.value !== "" && q) listeners.query.forEach((f) => f(q));
    saved.value = "";
  });
  bar.append(make("strong", {}, "Clientele"), token, language, saved);
  const ready = fetch("/console/page/queries.json").then((r) => r.json()).then((list) => {
    queries = list;
    list.forEach((_, i) => saved.append(make("option", { value: String(i) })));
    title();
    return list;
  });
  const headers = () => {
    const h = { "Accept-Language": language.value };
    if (token.value.trim()) h.Authorization = "Bearer " + token.value.trim();
    return h;
  };
  return { headers, ready, on: (what, f) => listeners[what].push(f) };
})();
