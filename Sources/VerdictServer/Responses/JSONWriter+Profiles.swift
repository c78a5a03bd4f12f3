import Learning
import RowFormats
import VerdictCore

extension JSONWriter {
  /// A page of the profile of a dataset.
  mutating func profile(
    _ profile: DatasetProfile, _ page: Page<(position: Int, feature: FeatureProfile)>
  ) {
    object { json in
      json.name("computed_at")
      json.time(profile.extent.computedAt)
      json.name("exact")
      json.bool(profile.extent.isExact)
      json.name("labels_used")
      json.integer(profile.extent.labels)
      json.name("labels_stored")
      json.integer(profile.labelsStored)
      json.name("changes_since")
      json.integer(profile.changesSince)
      json.name("label")
      json.object { json in
        json.name("name")
        json.string(profile.label.name)
        json.name("positives")
        json.integer(profile.extent.positives)
        json.name("negatives")
        json.integer(profile.extent.negatives)
      }
      json.features(page)
    }
  }

  private mutating func features(_ page: Page<(position: Int, feature: FeatureProfile)>) {
    name("features")
    let start = bytes.count
    var count = 0
    array { json in
      for item in page.items where json.bytes.count - start < PageBudget.bytes {
        json.feature(item.feature)
        count += 1
      }
    }
    name("next_cursor")
    optional(page.cursor(after: count)) { $0.string($1) }
  }

  private mutating func feature(_ feature: FeatureProfile) {
    object { json in
      json.name("name")
      json.string(feature.name)
      json.name("type")
      json.string(feature.kind.rawValue)
      json.summary(feature.all)
      json.name("by_outcome")
      json.object { json in
        json.name("positive")
        json.object { $0.summary(feature.positives) }
        json.name("negative")
        json.object { $0.summary(feature.negatives) }
      }
      json.name("histogram")
      json.optional(feature.histogram) { $0.histogram($1) }
      json.name("categories")
      json.optional(feature.categories) { $0.categories($1) }
    }
  }

  private mutating func summary(_ summary: FeatureProfile.Summary) {
    name("count")
    integer(summary.count)
    name("missing")
    integer(summary.missing)
    name("distinct")
    integer(summary.distinct)
    name("numbers")
    optional(summary.numbers) { $0.distribution($1) }
  }

  private mutating func distribution(_ numbers: FeatureProfile.Numbers) {
    object { json in
      json.name("minimum")
      json.number(numbers.minimum)
      json.name("maximum")
      json.number(numbers.maximum)
      json.name("mean")
      json.number(numbers.mean)
      json.name("standard_deviation")
      json.optional(numbers.deviation) { $0.number($1) }
      json.name("quantiles")
      json.quantiles(numbers.quantiles, of: FeatureProfile.Numbers.probabilities)
    }
  }

  private mutating func histogram(_ histogram: FeatureProfile.Histogram) {
    object { json in
      json.name("edges")
      json.array(histogram.edges) { $0.number($1) }
      json.name("positives")
      json.array(histogram.positives) { $0.integer($1) }
      json.name("negatives")
      json.array(histogram.negatives) { $0.integer($1) }
    }
  }

  private mutating func categories(_ categories: FeatureProfile.Categories) {
    object { json in
      json.name("top")
      json.array(categories.top) { json, category in
        json.object { json in
          json.name("value")
          json.string(category.value)
          json.name("positives")
          json.integer(category.positives)
          json.name("negatives")
          json.integer(category.negatives)
        }
      }
      json.name("others")
      json.object { json in
        json.name("distinct")
        json.integer(categories.others)
        json.name("positives")
        json.integer(categories.otherPositives)
        json.name("negatives")
        json.integer(categories.otherNegatives)
      }
    }
  }
}
