#include "CResources.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char page[] = {
#embed "../VerdictServer/Console/docs.html"
};
static const unsigned char start[] = {
#embed "../VerdictServer/Console/start.js"
};

// Swagger UI is not part of the repository: scripts/lib/fetch-swagger-ui fetches it before a build. Without it, the page at
// /docs refers to the contract.
#if __has_embed("../../.swagger-ui/swagger-ui-bundle.js") && __has_embed("../../.swagger-ui/swagger-ui.css") && __has_embed("../../.swagger-ui/LICENSE")
#define HAS_SWAGGER_UI
static const unsigned char bundle[] = {
#embed "../../.swagger-ui/swagger-ui-bundle.js"
};
static const unsigned char style[] = {
#embed "../../.swagger-ui/swagger-ui.css"
};
static const unsigned char license[] = {
#embed "../../.swagger-ui/LICENSE"
};
#endif

static const verdict_resource files[] = {
    {"", page, sizeof page},
    {"start.js", start, sizeof start},
#ifdef HAS_SWAGGER_UI
    {"swagger-ui-bundle.js", bundle, sizeof bundle},
    {"swagger-ui.css", style, sizeof style},
    {"LICENSE", license, sizeof license},
#endif
};

verdict_resource verdict_docs_file(size_t index) {
  if (index >= sizeof files / sizeof files[0]) return (verdict_resource){0, 0, 0};
  return files[index];
}
