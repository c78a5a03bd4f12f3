import Learning
import RowFormats
import VerdictCore

extension JSONWriter {
  /// A page of the terms of a model. It ends before its last term once its text has reached ``PageBudget/bytes``.
  mutating func terms(_ page: Page<(position: Int, term: ModelTerm)>, of model: ModelRecord) {
    object { json in
      json.name("model_version")
      json.integer(model.summary.version)
      json.name("family")
      json.string(model.family)
      json.name("min_bin_rows")
      json.integer(model.minBinRows)
      json.name("terms")
      let start = json.bytes.count
      var count = 0
      json.array { json in
        for item in page.items where json.bytes.count - start < PageBudget.bytes {
          json.term(item.term)
          count += 1
        }
      }
      json.name("next_cursor")
      json.optional(page.cursor(after: count)) { $0.string($1) }
    }
  }

  private mutating func term(_ term: ModelTerm) {
    switch term {
    case .feature(let term):
      object { json in
        json.form(term.form.rawValue, [term.axis])
        json.bins(term.bins)
        json.name("regions")
        json.null()
        json.name("missing")
        json.optional(term.missing) { $0.bin($1) }
        json.name("line")
        json.optional(term.line) { $0.line($1) }
        json.optionalNumber("minimum", term.minimum)
        json.optionalNumber("maximum", term.maximum)
        json.statistics(term.importance, term.smoothness, term.degreesOfFreedom)
      }
    case .pair(let term):
      object { json in
        json.form("table", [term.first, term.second])
        json.bins(term.bins)
        json.name("regions")
        json.array(term.regions) { $0.integer($1) }
        for name in ["missing", "line", "minimum", "maximum"] {
          json.name(name)
          json.null()
        }
        json.statistics(term.importance, term.smoothness, term.degreesOfFreedom)
      }
    }
  }

  private mutating func form(_ form: String, _ axes: [ModelTerm.Axis]) {
    name("form")
    string(form)
    name("features")
    array(axes) { $0.string($1.feature) }
    name("axes")
    array(axes) { json, axis in
      json.object { json in
        json.name("feature")
        json.string(axis.feature)
        json.name("type")
        json.string(axis.kind.rawValue)
        json.name("edges")
        json.optional(axis.edges) { json, edges in json.array(edges) { $0.number($1) } }
        json.name("categories")
        json.optional(axis.categories) { json, bins in
          json.array(bins) { json, names in json.array(names) { $0.string($1) } }
        }
        json.name("missing")
        json.optional(axis.missing) { $0.integer($1) }
        json.name("count")
        json.integer(axis.count)
      }
    }
  }

  /// The bins as columns, which pictures need and which take a third of the text of objects.
  private mutating func bins(_ bins: [ModelTerm.Bin]) {
    func column(_ name: String, _ json: inout JSONWriter, _ value: (ModelTerm.Bin) -> Double?) {
      json.name(name)
      json.array(bins) { json, bin in json.optional(value(bin)) { $0.number($1) } }
    }
    column("values", &self) { $0.value }
    column("standard_errors", &self) { $0.standardError }
    column("lower", &self) { $0.lower }
    column("upper", &self) { $0.upper }
    name("rows")
    array(bins) { $0.integer($1.rows) }
  }

  private mutating func bin(_ bin: ModelTerm.Bin) {
    object { json in
      json.name("value")
      json.number(bin.value)
      json.optionalNumber("standard_error", bin.standardError)
      json.optionalNumber("lower", bin.lower)
      json.optionalNumber("upper", bin.upper)
      json.name("rows")
      json.integer(bin.rows)
    }
  }

  private mutating func line(_ line: ModelTerm.Line) {
    object { json in
      json.name("slope")
      json.number(line.slope)
      json.optionalNumber("standard_error", line.standardError)
      json.optionalNumber("lower", line.lower)
      json.optionalNumber("upper", line.upper)
      json.name("standardized")
      json.number(line.standardized)
      json.optionalNumber("mean", line.mean)
      json.name("rows")
      json.integer(line.rows)
    }
  }

  private mutating func statistics(_ importance: Double?, _ smoothness: Double?, _ degreesOfFreedom: Double?)
  {
    optionalNumber("importance", importance)
    optionalNumber("smoothness", smoothness)
    optionalNumber("degrees_of_freedom", degreesOfFreedom)
  }

  private mutating func optionalNumber(_ name: String, _ number: Double?) {
    self.name(name)
    optional(number) { $0.number($1) }
  }
}
