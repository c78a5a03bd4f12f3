package import RowFormats

/// The columns of a dataset's CSV files that have attributes of the rows. An attribute without one has the column of its own name.
package struct CaseColumnNames: Sendable, Equatable, Codable {
  /// The column with the client's own id of the case.
  package var reference: String?
  /// The column with whom the row belongs to.
  package var group: String?
  /// The column with the time of the case.
  package var occurredAt: String?
  /// The column with the weight of the row.
  package var weight: String?
  /// The column with the owner's split of the rows.
  package var split: String?

  /// No columns.
  package init() {}

  private enum CodingKeys: String, CodingKey {
    case reference, group
    case occurredAt = "occurred_at"
    case weight, split
  }

  /// The columns by attribute.
  package var byAttribute: [CaseAttribute: String] {
    let names: [(CaseAttribute, String?)] = [
      (.reference, reference), (.group, group), (.occurredAt, occurredAt), (.weight, weight), (.split, split),
    ]
    return Dictionary(
      uniqueKeysWithValues: names.compactMap { attribute, name in name.map { (attribute, $0) } })
  }
}

extension JSONParser where Value == CaseColumnNames {
  /// The names of columns; an absent member keeps its name, and two attributes cannot have one column.
  static let caseColumnNames = JSONParser { value, current, pointer, errors in
    let fields = JSONObjectReader(
      value, at: pointer, known: Set(CaseAttribute.allCases.map(\.rawValue)), errors: errors)
    func name(_ attribute: CaseAttribute, _ present: String?) -> String? {
      if fields.isNull(attribute.rawValue) { return nil }
      return fields.string(attribute.rawValue, .name(atMost: 128))?.normalized ?? present
    }
    var names = CaseColumnNames()
    names.reference = name(.reference, current?.reference)
    names.group = name(.group, current?.group)
    names.occurredAt = name(.occurredAt, current?.occurredAt)
    names.weight = name(.weight, current?.weight)
    names.split = name(.split, current?.split)
    let given = names.byAttribute
    for attribute in CaseAttribute.allCases {
      guard let name = given[attribute],
        CaseAttribute.allCases.first(where: { given[$0] == name }) != attribute
      else { continue }
      errors.add(fields.at(attribute.rawValue), "is the column of another attribute, too")
    }
    return names
  }
}
