import Foundation
import RowFormats
import VerdictCore

/// The members of a label's merge patch (RFC 7396) that change its attributes. `null` takes an attribute away.
struct AttributesPatch {
  /// The names of the members.
  static let members = Set(CaseAttribute.allCases.map(\.rawValue))

  private var values = RowAttributeValues()
  private let given: Set<CaseAttribute>

  /// Reads the members; an invalid one is an error of `fields`.
  init(_ fields: JSONObjectReader) {
    given = Set(CaseAttribute.allCases.filter { fields.has($0.rawValue) })
    values.reference = fields.string(CaseAttribute.reference.rawValue, .bytes(1...200))?.normalized
    values.group = fields.string(CaseAttribute.group.rawValue, .bytes(1...200))?.normalized
    if let text = fields.string(CaseAttribute.occurredAt.rawValue) {
      values.occurredAt = CaseAttribute.time(of: text).map {
        Date(timeIntervalSince1970: Double($0) / 1_000_000)
      }
      if values.occurredAt == nil {
        fields.errors.add(
          fields.at(CaseAttribute.occurredAt.rawValue),
          "must be a time with its offset, as 2026-01-31T12:00:00Z, or a date")
      }
    }
    if let weight = fields.number(CaseAttribute.weight.rawValue) {
      values.weight = weight
      if !CaseAttribute.weights.contains(weight) {
        fields.errors.add(fields.at(CaseAttribute.weight.rawValue), "must be a number from 1e-9 to 1e9")
      }
    }
    if let text = fields.string(CaseAttribute.split.rawValue) {
      values.split = RowSplit(text: text)
      if values.split == nil {
        fields.errors.add(fields.at(CaseAttribute.split.rawValue), "must be train or validation")
      }
    }
  }

  /// Changes the attributes of a label.
  func apply(to attributes: inout RowAttributeValues) {
    if given.contains(.reference) { attributes.reference = values.reference }
    if given.contains(.group) { attributes.group = values.group }
    if given.contains(.occurredAt) { attributes.occurredAt = values.occurredAt }
    if given.contains(.weight) { attributes.weight = values.weight }
    if given.contains(.split) { attributes.split = values.split }
  }
}
