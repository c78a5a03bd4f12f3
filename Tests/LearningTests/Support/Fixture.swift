import Foundation

@testable import Learning

/// Reference values from scripts/make-learning-fixtures.
enum Fixture {
  static func load<Content: Decodable>(_ name: String, as type: Content.Type = Content.self) throws -> Content
  {
    let url = URL(filePath: #filePath).appending(path: "../../Fixtures/\(name).json").standardizedFileURL
    return try JSONDecoder().decode(Content.self, from: Data(contentsOf: url))
  }

  /// An optimum from scikit-learn. Keys are `feature`, `feature=category`, `feature=?` and `intercept`.
  struct Case: Decodable, CustomStringConvertible {
    var parameters: TrainingParameters
    var objective: Double
    var standardized: [String: Double]
    var original: [String: Double]
    var standard_errors: [String: Double]?
    var p_values: [String: Double]?
    /// The used features; nil means all.
    var features: [String]?
    /// Categorical features whose coefficients are centred to sum to 0 (see `centred`); nil means none.
    var centred: [String]?

    var description: String {
      "\(parameters.penalty) C=\(parameters.c) \(parameters.classWeight?.rawValue ?? "")"
    }

    enum CodingKeys: String, CodingKey {
      case parameters, objective, standardized, original, standard_errors, p_values, features, centred
    }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      parameters = try values.decode(TrainingParameters.self, forKey: .parameters)
      objective = try values.decode(Double.self, forKey: .objective)
      standardized = try values.decode([String: Double].self, forKey: .standardized)
      original = try values.decode([String: Double].self, forKey: .original)
      standard_errors = try values.decodeIfPresent([String: Double].self, forKey: .standard_errors)
      p_values = try values.decodeIfPresent([String: Double].self, forKey: .p_values)
      features = try values.decodeIfPresent([String].self, forKey: .features)
      centred = try values.decodeIfPresent([String].self, forKey: .centred)
    }
  }

  struct Solutions: Decodable {
    struct Cases: Decodable { var cases: [Case] }
    struct Data: Decodable {
      enum Cell: Decodable {
        case number(Double), text(String), missing

        init(from decoder: any Decoder) throws {
          let value = try decoder.singleValueContainer()
          if value.decodeNil() {
            self = .missing
          } else if let number = try? value.decode(Double.self) {
            self = .number(number)
          } else {
            self = .text(try value.decode(String.self))
          }
        }
      }
      var kinds: [String: ColumnKind]
      var columns: [String: [Cell]]
      var outcomes: [UInt8]
      var cases: [Case]
    }
    var generated: Data
    var adult: Cases
    var adult10: Cases
    var census10: Cases
  }
}

extension Fixture.Solutions.Data {
  var table: TrainingTable {
    get throws {
      let names = columns.keys.sorted()
      return try TrainingTable(
        names: names, kinds: names.map { kinds[$0] ?? .continuous },
        columns: names.map { name -> TrainingTable.Column in
          let cells = columns[name] ?? []
          if kinds[name] == .categorical {
            return .categorical(cells.map { if case .text(let text) = $0 { text } else { "" } })
          }
          return .numeric(cells.map { if case .number(let number) = $0 { number } else { .nan } })
        }, outcomes: outcomes)
    }
  }
}

extension LogisticModel {
  /// The coefficients by the keys of the fixtures, with the given intercept.
  func coefficients(intercept: Double, _ value: (ModelFeature.Coefficient) -> Double?) -> [String: Double] {
    var result = ["intercept": intercept]
    for feature in features {
      result[feature.name] = feature.coefficient.flatMap(value)
      result["\(feature.name)=?"] = feature.missing.flatMap(value)
      for category in feature.categories ?? [] {
        result["\(feature.name)=\(category.name)"] = value(category.coefficient)
      }
    }
    return result
  }
}

/// The same model with the coefficients of each categorical feature summing to 0. With l1 alone, a shift between them
/// and the intercept may leave the objective unchanged, so that the optima form a line. Centring chooses the same
/// point of it for all solvers.
func centred(_ values: [String: Double], _ features: [String]) -> [String: Double] {
  var values = values
  for feature in features {
    let block = values.keys.filter { $0.hasPrefix("\(feature)=") }
    let mean = block.reduce(0) { $0 + (values[$1] ?? 0) } / Double(block.count)
    for key in block { values[key, default: 0] -= mean }
    values["intercept", default: 0] += mean
  }
  return values
}
