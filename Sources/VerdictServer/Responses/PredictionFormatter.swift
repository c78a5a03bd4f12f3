import Foundation
import Learning
import NIOCore
import RowFormats
import VerdictCore

/// Formats predictions as JSON or CSV. The parts that all rows share are formatted once and copied.
struct PredictionFormatter {
  private let answers: PredictionAnswers
  private let explains: Bool
  private let splitsPairs: Bool
  /// The JSON between the probability and the warnings.
  private let middle: [UInt8]
  /// The CSV between the probability and the warnings.
  private let middleFields: [UInt8]

  /// - Parameters:
  ///   - answers: the predictions.
  ///   - explain: whether JSON shows the contributions of features, and of pairs where the model has any.
  ///   - splitsPairs: whether the contribution of a pair is shown by halves among those of its features.
  init(_ answers: PredictionAnswers, explain: Bool, splitsPairs: Bool = false) {
    self.answers = answers
    explains = explain
    self.splitsPairs = splitsPairs
    var threshold: [UInt8] = []
    threshold.append(number: answers.model.threshold)
    let (version, used) = (answers.model.version, answers.model.labelsUsed)
    middle =
      Array(",\"threshold\":".utf8) + threshold
      + Array(",\"model_version\":\(version),\"labels_used\":\(used),\"warnings\":".utf8)
    middleFields = Array(",".utf8) + threshold + Array(",\(version),\(used),".utf8)
  }

  /// Appends one prediction as a JSON object.
  func appendJSON(_ row: Int, to bytes: inout [UInt8]) throws {
    bytes.append(UInt8(ascii: "{"))
    if !answers.ids.isEmpty {
      bytes.append(contentsOf: "\"id\":\"".utf8)
      bytes.append(uuid: answers.ids[row])
      bytes.append(contentsOf: "\",".utf8)
    }
    bytes.append(
      contentsOf: (answers.label(row) ? "\"label\":1,\"probability\":" : "\"label\":0,\"probability\":").utf8)
    bytes.append(number: answers.probabilities[row])
    bytes.append(contentsOf: middle)
    if let warnings = try answers.warnings(of: row) {
      var json = JSONWriter()
      json.warnings(warnings)
      bytes.append(contentsOf: json.bytes)
    } else {
      bytes.append(contentsOf: "[]".utf8)
    }
    if explains { try appendExplanation(row, to: &bytes) }
    bytes.append(UInt8(ascii: "}"))
  }

  private func appendExplanation(_ row: Int, to bytes: inout [UInt8]) throws {
    let explanation = try answers.explanation(of: row, splittingPairs: splitsPairs)
    bytes.append(contentsOf: ",\"intercept\":".utf8)
    bytes.append(number: explanation.intercept)
    bytes.append(contentsOf: ",\"contributions\":".utf8)
    var json = JSONWriter()
    json.array(explanation.contributions) { json, contribution in
      json.object { json in
        json.name("feature")
        json.string(contribution.feature)
        json.name("value")
        json.value(contribution.value)
        json.name("contribution")
        json.number(contribution.contribution)
      }
    }
    bytes.append(contentsOf: json.bytes)
    if !explanation.pairs.isEmpty { Self.append(explanation.pairs, to: &bytes) }
  }

  private static func append(_ pairs: [PairContribution], to bytes: inout [UInt8]) {
    bytes.append(contentsOf: ",\"pairs\":".utf8)
    var json = JSONWriter()
    json.array(pairs) { json, pair in
      json.object { json in
        json.name("features")
        json.array(pair.features) { $0.string($1) }
        json.name("contribution")
        json.number(pair.contribution)
      }
    }
    bytes.append(contentsOf: json.bytes)
  }

  /// The header of the CSV: the fields of ``appendCSV(_:to:)`` and `error`.
  static func csvHeader(stored: Bool) -> [UInt8] {
    Array(
      ((stored ? "id," : "") + "label,probability,threshold,model_version,labels_used,warnings,error\r\n")
        .utf8)
  }

  /// Appends one prediction as a CSV record (RFC 4180).
  func appendCSV(_ row: Int, to bytes: inout [UInt8]) throws {
    if !answers.ids.isEmpty {
      bytes.append(uuid: answers.ids[row])
      bytes.append(UInt8(ascii: ","))
    }
    bytes.append(contentsOf: (answers.label(row) ? "1," : "0,").utf8)
    bytes.append(number: answers.probabilities[row])
    bytes.append(contentsOf: middleFields)
    if let warnings = try answers.warnings(of: row) {
      let text = warnings.map { "\($0.kind.rawValue) \($0.feature)" }.joined(separator: "; ")
      bytes.append(csvField: text.utf8, alwaysQuoted: true)
    }
    bytes.append(contentsOf: ",\r\n".utf8)
  }
}
