import ArgumentParser
import VerdictCore

/// The bounds of memory, from the environment only. By default they follow the machine, or the limit of the control group.
enum MemorySettings {
  /// The memory of requests in bytes.
  ///
  /// - Throws: `ValidationError` for a number out of its range.
  static func requestBytes() throws -> Int {
    try bytes("VERDICT_REQUEST_MEMORY_MB", "verdict.request.memory.mb", RequestMemory.defaultLimit)
  }

  /// The memory of trainings in bytes.
  ///
  /// - Throws: `ValidationError` for a number out of its range.
  static func trainingBytes() throws -> Int {
    try bytes("VERDICT_TRAINING_MEMORY_MB", "verdict.training.memory.mb", TrainingMemory.defaultLimit)
  }

  private static func bytes(_ variable: String, _ key: String, _ initial: Int) throws -> Int {
    let number = try Environment.number(key, default: initial >> 20)
    guard (16...1_048_576).contains(number) else {
      throw ValidationError("\(variable) must be from 16 to 1048576.")
    }
    return number << 20
  }
}
