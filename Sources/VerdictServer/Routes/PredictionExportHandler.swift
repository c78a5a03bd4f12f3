import Foundation
import Hummingbird
import Learning
import NIOCore
import RowFormats
import VerdictCore

/// Streams the stored predictions of a dataset, oldest first.
struct PredictionExportHandler {
  let datasets: DatasetStore
  let export: PredictionExport
  let limiter: ConnectionLimiter

  func export(
    _ name: String, _ tenant: TenantID, as type: BodyType, where filter: PredictionFilter,
    revalidator: KeyRevalidator
  ) async throws -> Response {
    // Looked up before the response begins, so that an absent dataset is a 404 and not an empty file.
    let dataset = try await datasets.dataset(tenant, named: name)
    return try await .stream(type, for: tenant, limiter) { sink in
      if type == .csv { try await sink.write(Self.header(dataset)) }
      try await export.rows(tenant, dataset: dataset, where: filter) { predictions in
        try await revalidator.check()
        var bytes: [UInt8] = []
        for prediction in predictions {
          if type == .csv {
            Self.append(prediction, dataset, to: &bytes)
          } else {
            var json = JSONWriter()
            json.prediction(prediction, of: dataset)
            bytes.append(contentsOf: json.bytes)
            bytes.append(UInt8(ascii: "\n"))
          }
        }
        try await sink.write(bytes)
      }
    }
  }

  private static func header(_ dataset: Dataset) -> [UInt8] {
    var bytes: [UInt8] = []
    for column in PredictionColumn.csv {
      if column == .numbers {
        for feature in dataset.features {
          bytes.append(csvField: feature.name.utf8, alwaysQuoted: true)
          bytes.append(UInt8(ascii: ","))
        }
      } else {
        bytes.append(contentsOf: (column.member ?? column.rawValue).utf8)
        bytes.append(UInt8(ascii: ","))
      }
    }
    return bytes.dropLast() + Array("\r\n".utf8)
  }

  private static func append(_ prediction: StoredPrediction, _ dataset: Dataset, to bytes: inout [UInt8]) {
    for column in PredictionColumn.csv {
      if case .features(let row) = column.value(in: prediction) {
        for feature in dataset.features {
          append(row[feature], to: &bytes)
          bytes.append(UInt8(ascii: ","))
        }
      } else {
        append(column.value(in: prediction), to: &bytes)
        bytes.append(UInt8(ascii: ","))
      }
    }
    bytes.removeLast()
    bytes.append(contentsOf: "\r\n".utf8)
  }

  private static func append(_ value: PredictionColumn.Value, to bytes: inout [UInt8]) {
    switch value {
    case .uuid(let id): bytes.append(uuid: id)
    case .integer(let number): bytes.append(contentsOf: String(number).utf8)
    case .number(let number): bytes.append(number: number)
    case .text(let text): bytes.append(csvField: text.utf8, alwaysQuoted: true)
    case .outcome(let label): bytes.append(UInt8(ascii: label ? "1" : "0"))
    case .time(let date): bytes.append(contentsOf: Timestamp.format(date).utf8)
    case .features, .warnings, .null: break
    }
  }

  private static func append(_ value: FeatureValue, to bytes: inout [UInt8]) {
    switch value {
    case .number(let number): bytes.append(number: number)
    case .category(let name): bytes.append(csvField: name.utf8, alwaysQuoted: true)
    case .missing: break
    }
  }
}
