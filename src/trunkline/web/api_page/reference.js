// The API's reference: Swagger UI over our own OpenAPI document. "Try it out" carries the header that
// every writing request needs.

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  requestInterceptor(request) {
    request.headers["X-Trunkline"] = "1";
    return request;
  },
});
