import Foundation
import Hummingbird
import Learning
import NIOCore
import RowFormats
import VerdictCore

/// The stored predictions of a dataset as a stream, oldest first.
struct PredictionExporting {
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
            bytes.append(contentsOf: json.buffer.readableBytesView)
            bytes.append(UInt8(ascii: "\n"))
          }
        }
        try await sink.write(bytes)
      }
    }
  }

  private static func header(_ dataset: Dataset) -> [UInt8] {
    var bytes = Array(
      "id,created_at,model_version,label,probability,threshold,true_label,labelled_at".utf8)
    for feature in dataset.features {
      bytes.append(UInt8(ascii: ","))
      bytes.append(csvField: feature.name)
    }
    return bytes + Array("\r\n".utf8)
  }

  private static func append(_ prediction: StoredPrediction, _ dataset: Dataset, to bytes: inout [UInt8]) {
    bytes.append(uuid: prediction.id)
    let label = prediction.label ? 1 : 0
    bytes.append(
      contentsOf: ",\(Timestamp.format(prediction.createdAt)),\(prediction.modelVersion),\(label),".utf8)
    appendNumber(prediction.probability, to: &bytes)
    bytes.append(UInt8(ascii: ","))
    appendNumber(prediction.threshold, to: &bytes)
    let truth = prediction.truth.map { "\($0.label ? 1 : 0),\(Timestamp.format($0.at))" } ?? ","
    bytes.append(contentsOf: ",\(truth)".utf8)
    for feature in dataset.features {
      bytes.append(UInt8(ascii: ","))
      switch prediction.row[feature] {
      case .number(let number): appendNumber(number, to: &bytes)
      case .category(let name): bytes.append(csvField: name)
      case .missing: break
      }
    }
    bytes.append(contentsOf: "\r\n".utf8)
  }
}
