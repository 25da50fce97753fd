"use strict";
(() => {
  const { createElement, useState, useEffect } = window.React;
  const socket = new URL("/graphql", window.location.href);
  socket.protocol = socket.protocol === "https:" ? "wss:" : "ws:";
  const client = window.graphqlWs.createClient({ url: socket.href, lazy: true, connectionParams: () => window.clientele.headers() });
  const send = window.GraphiQL.createFetcher({
    url: "/graphql", wsClient: client, enableIncrementalDelivery: false,
    fetch: (input, init) => window.fetch(input, { ...init, headers: { ...init.headers, ...window.clientele.headers() } }),
  });
  const App = () => {
    const [shown, show] = useState({ query: undefined, variables: undefined });
    const [key, renew] = useState(0);
    useEffect(() => {
      window.clientele.on("query", (q) => show({ query: q.query, variables: JSON.stringify(q.variables || {}, null, 2) }));
      window.clientele.on("token", () => renew((n) => n + 1)); // reads the schema again
    }, []);
    return createElement(window.GraphiQL, { key, fetcher: send, query: shown.query, variables: shown.variables, isHeadersEditorEnabled: false });
  };
  window.ReactDOM.createRoot(document.getElementById("graphiql")).render(createElement(App));
})();
