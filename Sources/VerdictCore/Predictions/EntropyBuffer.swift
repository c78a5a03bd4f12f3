import Glibc
import Synchronization

/// Random numbers from the kernel, fetched for 32 ids at a time: `SystemRandomNumberGenerator` makes a system call for each
/// number, which costs more than the rest of an id.
enum EntropyBuffer {
  private struct State {
    var words = [UInt64](repeating: 0, count: 32)
    var left = 0
  }

  private static let state = Mutex(State())

  /// A number that is used once and unpredictable.
  static func next() -> UInt64 {
    state.withLock { state in
      if state.left == 0 {
        fill(&state.words)
        state.left = state.words.count
      }
      state.left -= 1
      defer { state.words[state.left] = 0 }
      return state.words[state.left]
    }
  }

  private static func fill(_ words: inout [UInt64]) {
    // getentropy(3) returns at most 256 bytes a call.
    let filled = words.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) == 0 }
    guard !filled else { return }
    var generator = SystemRandomNumberGenerator()
    for index in words.indices { words[index] = generator.next() }
  }
}
