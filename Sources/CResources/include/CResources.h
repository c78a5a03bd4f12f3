/// Files of the repository that the binary carries with it, so that it is one file to install: the contract, the page
/// to try it out, and the migrations. Each is its bytes and its length; C has `#embed` for that, Swift has nothing
/// that does not turn them into source code first.
#pragma once
#include <stddef.h>

typedef struct {
  /// Name of the file without its directory.
  const char *name;
  /// Its bytes, valid for as long as the process lives.
  const unsigned char *bytes;
  /// How many.
  size_t count;
} verdict_resource;

/// openapi.yaml.
verdict_resource verdict_openapi(void);
/// The files of the page at /docs, first the page itself, whose name is empty; an index beyond the last gives a name of NULL.
/// Those of Swagger UI are absent if it was not fetched before the build.
verdict_resource verdict_docs_file(size_t index);
/// The migrations in their order; an index beyond the last gives a name of NULL.
verdict_resource verdict_migration(size_t index);
