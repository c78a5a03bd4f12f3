import RowFormats
import VerdictCore

extension JSONWriter {
  /// An inferred schema, whose member `dataset` is a body that creates a dataset.
  mutating func schema(_ schema: InferredSchema) {
    object { json in
      json.name("dataset")
      json.object { json in
        json.name("name")
        json.string(schema.name)
        json.name("features")
        json.array(schema.features) { $0.declaration($1) }
        json.name("label")
        json.object { json in
          json.name("name")
          json.string(schema.label.name)
          if let positive = schema.label.positive, let negative = schema.label.negative {
            json.name("positive")
            json.string(positive)
            json.name("negative")
            json.string(negative)
          }
        }
      }
      json.name("upload")
      json.optional(schema.upload) { json, upload in
        json.object { json in
          json.name("delimiter")
          json.optional(upload.delimiter) { $0.string($1) }
          json.name("ignore")
          json.optional(upload.ignore) { $0.string($1) }
          json.name("missing")
          json.optional(upload.missing) { $0.string($1) }
          json.name("decimal")
          json.optional(upload.decimal) { $0.string($1) }
          json.name("trim")
          json.optional(upload.trim) { $0.bool($1) }
        }
      }
      json.name("rows")
      json.integer(schema.rows)
      json.name("sampled")
      json.bool(schema.isSampled)
      json.name("warnings")
      json.array(schema.warnings) { $0.inferenceWarning($1) }
      json.name("columns")
      json.array(schema.columns) { $0.profile($1) }
    }
  }

  private mutating func declaration(_ feature: FeatureDeclaration) {
    object { json in
      json.name("name")
      json.string(feature.name)
      json.name("type")
      json.string(feature.type.rawValue)
      if let categories = feature.categories {
        json.name("categories")
        json.array(categories) { $0.string($1) }
      }
    }
  }

  private mutating func inferenceWarning(_ warning: InferredSchema.Warning) {
    object { json in
      json.name("kind")
      json.string(warning.kind.rawValue)
      json.name("detail")
      json.string(warning.detail.shortened(to: Problem.longestDetail))
    }
  }

  private mutating func profile(_ column: ColumnProfile) {
    object { json in
      json.name("name")
      json.string(column.name)
      json.name("role")
      json.string(column.role.rawValue)
      json.name("type")
      json.optional(column.type) { $0.string($1.rawValue) }
      json.name("reason")
      json.string(column.reason)
      json.name("count")
      json.integer(column.count)
      json.name("missing")
      json.integer(column.missing)
      json.name("distinct")
      json.integer(column.distinct)
      json.name("distinct_exact")
      json.bool(column.isDistinctExact)
      json.name("numbers")
      json.optional(column.numbers) { $0.numbers($1) }
      json.name("top")
      json.array(column.top) { json, entry in
        json.object { json in
          json.name("value")
          json.string(entry.value)
          json.name("count")
          json.integer(entry.count)
        }
      }
      json.name("warnings")
      json.array(column.warnings) { $0.inferenceWarning($1) }
    }
  }

  /// Quantiles with their probabilities.
  mutating func quantiles(_ values: [Double], of probabilities: [Double]) {
    array(zip(probabilities, values)) { json, quantile in
      json.object { json in
        json.name("probability")
        json.number(quantile.0)
        json.name("value")
        json.number(quantile.1)
      }
    }
  }

  private mutating func numbers(_ numbers: ColumnProfile.Numbers) {
    object { json in
      json.name("minimum")
      json.number(numbers.minimum)
      json.name("maximum")
      json.number(numbers.maximum)
      json.name("mean")
      json.number(numbers.mean)
      json.name("quantiles")
      json.quantiles(numbers.quantiles, of: ColumnProfile.Numbers.probabilities)
    }
  }
}
