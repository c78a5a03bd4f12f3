"use strict";

// Swagger UI over this server's own document. Nothing is asked of any other server: no validator, no fonts, no pictures.
// Keys are forgotten with the page.

// Swagger UI fills every field in with its example or default; what a request can do without is left empty instead, so that
// it is sent only where somebody has meant it.
function leaveEmpty(spec, parameters) {
  for (const parameter of parameters.filter((each) => !each.$ref && !each.required)) {
    const name = parameter.schema.$ref?.split("/").pop();
    const { example, default: initial, ...schema } = name ? spec.components.schemas[name] : parameter.schema;
    parameter.schema = schema;
    delete parameter.example;
  }
}

async function start() {
  const spec = await (await fetch("openapi.json")).json();
  leaveEmpty(spec, Object.values(spec.components.parameters));
  for (const item of Object.values(spec.paths)) {
    for (const place of [item, ...Object.values(item)]) leaveEmpty(spec, place.parameters ?? []);
  }
  window.ui = SwaggerUIBundle({
    spec,
    dom_id: "#page",
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    validatorUrl: null,
    queryConfigEnabled: false,
    deepLinking: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
  });
}

// A server that was built without Swagger UI has the page's text alone.
if (window.SwaggerUIBundle) start();
