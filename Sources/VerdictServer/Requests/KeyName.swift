/// What keys may be called, wherever they are made.
package enum KeyName {
  /// Why a text cannot be a key's name, as “must …”; `nil` when it can.
  package static func objection(to name: String) -> String? { rule.objection(to: name) }

  static let rule = TextRule.name(atMost: 128)
}
