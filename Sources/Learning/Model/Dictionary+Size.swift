extension Dictionary where Key == String {
  /// The bytes of the hash table and of its keys on the heap.
  var tableByteCount: Int {
    guard !isEmpty else { return 0 }
    // A hash table has a power of two of places, of which it uses three quarters, and a bit for each.
    var places = 4
    while places * 3 / 4 < count { places *= 2 }
    let place = MemoryLayout<String>.stride + MemoryLayout<Value>.stride
    return keys.reduce(places * place + places / 8) { $0 + $1.heapByteCount }
  }
}

extension String {
  /// The bytes that the string has on the heap: none up to fifteen, otherwise its UTF-8 behind a head of 32.
  var heapByteCount: Int { utf8.count <= 15 ? 0 : 48 + utf8.count }
}
