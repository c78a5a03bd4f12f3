#include "CResources.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char openapi[] = {
#embed "../../openapi.yaml"
};
static const unsigned char tenants[] = {
#embed "../../migrations/0001_tenants.sql"
};
static const unsigned char jobs[] = {
#embed "../../migrations/0002_jobs.sql"
};
static const unsigned char datasets[] = {
#embed "../../migrations/0003_datasets.sql"
};
static const unsigned char label_rows[] = {
#embed "../../migrations/0004_label_rows.sql"
};
static const unsigned char job_moves[] = {
#embed "../../migrations/0005_job_moves.sql"
};
static const unsigned char training[] = {
#embed "../../migrations/0006_training.sql"
};
static const unsigned char live_kpis[] = {
#embed "../../migrations/0007_live_kpis.sql"
};
static const unsigned char limits[] = {
#embed "../../migrations/0008_limits.sql"
};
static const unsigned char audit[] = {
#embed "../../migrations/0009_audit.sql"
};
static const unsigned char job_limits[] = {
#embed "../../migrations/0010_job_limits.sql"
};
static const unsigned char prediction_rows[] = {
#embed "../../migrations/0011_prediction_rows.sql"
};
static const unsigned char missed_trainings[] = {
#embed "../../migrations/0012_missed_trainings.sql"
};
static const unsigned char bounds[] = {
#embed "../../migrations/0013_bounds.sql"
};
static const unsigned char outcome_words[] = {
#embed "../../migrations/0014_outcome_words.sql"
};
static const unsigned char model_columns[] = {
#embed "../../migrations/0015_model_columns.sql"
};
static const unsigned char dataset_writers[] = {
#embed "../../migrations/0016_dataset_writers.sql"
};
static const unsigned char answers_of_datasets[] = {
#embed "../../migrations/0017_answers_of_datasets.sql"
};
static const unsigned char cases[] = {
#embed "../../migrations/0018_cases.sql"
};
static const unsigned char promotions[] = {
#embed "../../migrations/0019_promotions.sql"
};
static const unsigned char unknown_outcomes[] = {
#embed "../../migrations/0020_unknown_outcomes.sql"
};
static const unsigned char erasures[] = {
#embed "../../migrations/0021_erasures.sql"
};
static const unsigned char profiles[] = {
#embed "../../migrations/0022_profiles.sql"
};
static const unsigned char case_indexes[] = {
#embed "../../migrations/0023_case_indexes.sql"
};
static const unsigned char later_warnings[] = {
#embed "../../migrations/0024_later_warnings.sql"
};
static const unsigned char min_bin_rows[] = {
#embed "../../migrations/0025_min_bin_rows.sql"
};

#define RESOURCE(file, array) {file, array, sizeof array}

static const verdict_resource migrations[] = {
    RESOURCE("0001_tenants.sql", tenants),
    RESOURCE("0002_jobs.sql", jobs),
    RESOURCE("0003_datasets.sql", datasets),
    RESOURCE("0004_label_rows.sql", label_rows),
    RESOURCE("0005_job_moves.sql", job_moves),
    RESOURCE("0006_training.sql", training),
    RESOURCE("0007_live_kpis.sql", live_kpis),
    RESOURCE("0008_limits.sql", limits),
    RESOURCE("0009_audit.sql", audit),
    RESOURCE("0010_job_limits.sql", job_limits),
    RESOURCE("0011_prediction_rows.sql", prediction_rows),
    RESOURCE("0012_missed_trainings.sql", missed_trainings),
    RESOURCE("0013_bounds.sql", bounds),
    RESOURCE("0014_outcome_words.sql", outcome_words),
    RESOURCE("0015_model_columns.sql", model_columns),
    RESOURCE("0016_dataset_writers.sql", dataset_writers),
    RESOURCE("0017_answers_of_datasets.sql", answers_of_datasets),
    RESOURCE("0018_cases.sql", cases),
    RESOURCE("0019_promotions.sql", promotions),
    RESOURCE("0020_unknown_outcomes.sql", unknown_outcomes),
    RESOURCE("0021_erasures.sql", erasures),
    RESOURCE("0022_profiles.sql", profiles),
    RESOURCE("0023_case_indexes.sql", case_indexes),
    RESOURCE("0024_later_warnings.sql", later_warnings),
    RESOURCE("0025_min_bin_rows.sql", min_bin_rows),
};

verdict_resource verdict_openapi(void) { return (verdict_resource)RESOURCE("openapi.yaml", openapi); }

verdict_resource verdict_migration(size_t index) {
  if (index >= sizeof migrations / sizeof migrations[0]) return (verdict_resource){0, 0, 0};
  return migrations[index];
}
