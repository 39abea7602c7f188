// Shows the API's description with Swagger UI. Nothing is asked of another host: its validator, which
// is one, is turned off.

const place = document.querySelector("#try");

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.description,
  deepLinking: true,
  docExpansion: "list",
  validatorUrl: null,
});
