import Glibc
import Synchronization

/// The system's random numbers, fetched for sixteen ids at a time: the standard library's generator asks the system for each
/// number, which costs more than the rest of an id.
enum RandomSupply {
  private struct State {
    var words = [UInt64](repeating: 0, count: 32)
    var left = 0
  }

  private static let state = Mutex(State())

  /// Two numbers that nobody else has got or can foresee.
  static func pair() -> (UInt64, UInt64) {
    state.withLock { state in
      if state.left == 0 {
        fill(&state.words)
        state.left = state.words.count
      }
      state.left -= 2
      defer { (state.words[state.left], state.words[state.left + 1]) = (0, 0) }
      return (state.words[state.left], state.words[state.left + 1])
    }
  }

  private static func fill(_ words: inout [UInt64]) {
    // 256 bytes are the most that getentropy(3) gives in one call.
    let filled = words.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) == 0 }
    guard !filled else { return }
    var generator = SystemRandomNumberGenerator()
    for index in words.indices { words[index] = generator.next() }
  }
}
