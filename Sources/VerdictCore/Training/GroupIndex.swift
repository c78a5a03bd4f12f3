/// The groups of rows, numbered in the order of their first occurrence.
///
/// Names are kept as hashes of 64 bits with a seed of the process, so that names of people stay in no cache. Two groups of a
/// million share a hash with a probability of 3e-8, and would then count as one.
struct GroupIndex: Sendable {
  /// The code of a row without a group.
  static let none: Int32 = -1

  private var codes: [UInt64: Int32] = [:]

  /// The number of groups.
  var count: Int { codes.count }
  /// The approximate memory use in bytes.
  var byteCount: Int { codes.count * 32 }

  /// Returns the code of a name in UTF-8. A new name gets the next code.
  mutating func code(of name: UnsafeRawBufferPointer) -> Int32 {
    var hasher = Hasher()
    hasher.combine(bytes: name)
    let hash = UInt64(bitPattern: Int64(hasher.finalize()))
    if let code = codes[hash] { return code }
    let code = Int32(codes.count)
    codes[hash] = code
    return code
  }

  /// Numbers the groups in the order of their first row and drops those without rows, so that the codes depend on the present
  /// rows alone.
  mutating func number(_ rows: inout [Int32]) {
    var numbers = [Int32](repeating: Self.none, count: codes.count)
    var next: Int32 = 0
    var isInOrder = true
    for code in rows where code >= 0 && numbers[Int(code)] < 0 {
      isInOrder = isInOrder && code == next
      numbers[Int(code)] = next
      next += 1
    }
    guard !isInOrder || Int(next) < codes.count else { return }
    for row in rows.indices where rows[row] >= 0 { rows[row] = numbers[Int(rows[row])] }
    codes = codes.compactMapValues { numbers[Int($0)] < 0 ? nil : numbers[Int($0)] }
  }
}
