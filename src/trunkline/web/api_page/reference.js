// The API's reference: Swagger UI over our own OpenAPI document. "Try it out" carries the header that
// every writing request needs.

SwaggerUIBundle({
  // Hundreds of shapes: drawn at once they hold the page up for seconds. One press opens them.
  defaultModelsExpandDepth: 0,
  url: "/openapi.json",
  dom_id: "#api",
  requestInterceptor(request) {
    request.headers["X-Trunkline"] = "1";
    return request;
  },
});
