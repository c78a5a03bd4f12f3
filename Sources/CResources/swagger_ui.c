#include "CResources.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// Swagger UI is no part of the repository: scripts/lib/fetch-swagger-ui brings it before a build. Without it there is
// nothing to compile in, and /docs is the plain page.
#if __has_embed("../../.swagger-ui/swagger-ui-bundle.js") && __has_embed("../../.swagger-ui/swagger-ui.css") && __has_embed("../../.swagger-ui/LICENSE")

static const unsigned char page[] = {
#embed "../VerdictServer/Console/swagger.html"
};
static const unsigned char start[] = {
#embed "../VerdictServer/Console/start.js"
};
static const unsigned char bundle[] = {
#embed "../../.swagger-ui/swagger-ui-bundle.js"
};
static const unsigned char style[] = {
#embed "../../.swagger-ui/swagger-ui.css"
};
static const unsigned char license[] = {
#embed "../../.swagger-ui/LICENSE"
};

static const verdict_resource files[] = {
    {"", page, sizeof page},
    {"start.js", start, sizeof start},
    {"swagger-ui-bundle.js", bundle, sizeof bundle},
    {"swagger-ui.css", style, sizeof style},
    {"LICENSE", license, sizeof license},
};

verdict_resource verdict_swagger_ui(size_t index) {
  if (index >= sizeof files / sizeof files[0]) return (verdict_resource){0, 0, 0};
  return files[index];
}

#else

verdict_resource verdict_swagger_ui(size_t index) {
  (void)index;
  return (verdict_resource){0, 0, 0};
}

#endif
