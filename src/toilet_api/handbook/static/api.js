"use strict";
// The operations, from this server's own document. Nothing is asked of any other host.
const place = document.getElementById("operations");
window.ui = SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  validatorUrl: null,
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  displayOperationId: true,
  displayRequestDuration: true,
  filter: true,
  showExtensions: true,
  tryItOutEnabled: false,
  persistAuthorization: false,
});
