import Foundation
import Learning
import RowFormats
import VerdictCore

extension JSONWriter {
  /// A stored prediction: the members that ``PredictionColumn`` defines.
  mutating func prediction(_ prediction: StoredPrediction, of dataset: Dataset) {
    members(PredictionColumn.allCases, of: prediction, in: dataset)
  }

  /// The id and the true outcome of a stored prediction, for keys that may label it and not read it.
  mutating func trueLabel(of prediction: StoredPrediction, in dataset: Dataset) {
    members([.id, .trueLabel], of: prediction, in: dataset)
  }

  private mutating func members(
    _ columns: [PredictionColumn], of prediction: StoredPrediction, in dataset: Dataset
  ) {
    object { json in
      for column in columns {
        guard let member = column.member else { continue }
        json.name(member)
        json.predictionValue(column.value(in: prediction), of: dataset)
      }
    }
  }

  private mutating func predictionValue(_ value: PredictionColumn.Value, of dataset: Dataset) {
    switch value {
    case .uuid(let id): uuid(id)
    case .integer(let number): integer(number)
    case .number(let number): self.number(number)
    case .text(let text): string(text)
    case .outcome(let label): outcome(label)
    case .time(let date): time(date)
    case .features(let row): features(row, of: dataset)
    case .warnings(let warnings): self.warnings(warnings)
    case .null: null()
    }
  }

  mutating func warnings(_ warnings: [PredictionWarning]) {
    array(warnings) { json, warning in
      json.object { json in
        json.name("feature")
        json.string(warning.feature)
        json.name("kind")
        json.string(warning.kind.rawValue)
        json.name("detail")
        json.string(warning.detail)
      }
    }
  }
}
