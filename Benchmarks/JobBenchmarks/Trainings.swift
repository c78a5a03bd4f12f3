import Foundation
import JobQueue
import Learning
import TestSupport
import VerdictCore

/// Measures one training on all rows, from the request to the stored model: reading, hold-out fit, KPIs, final fit, saving.
struct Trainings {
  let fixture: TrainingFixture

  func run() async throws {
    var copies: [Double] = []
    var jobs: [ModelFamily: [Double]] = [:]
    var memory: [ModelFamily: [Double]] = [:]
    let matrix = Double(fixture.rows * TrainingFixture.features * 8)
    try await fixture.withWorker(cacheBytes: 0) {}
    for _ in 0..<Main.rounds {
      copies.append(try await fixture.copyOut())
      for family in Self.families {
        let (time, peak) = try await fixture.withWorker(cacheBytes: 0) { [self] in
          let before = Memory.resetPeak()
          let time = try await seconds { try await train(family) }
          return (time, Memory.peak - before)
        }
        jobs[family, default: []].append(time)
        memory[family, default: []].append(Double(peak) / matrix)
      }
    }
    for family in Self.families {
      let time = median(jobs[family] ?? [])
      report(
        "a training of \(fixture.rows) rows, \(family.rawValue)",
        "\(time.milliseconds), psql copies them in \(median(copies).milliseconds), ratio "
          + (time / median(copies)).ratio)
      report(
        "its memory above idle",
        "\(median(memory[family] ?? []).ratio) of the matrix of \(Int(matrix / 1e6)) MB")
    }
  }

  private static let families: [ModelFamily] = [.linear, .additive]

  private func train(_ family: ModelFamily) async throws {
    let job = try await fixture.database.transaction(for: fixture.tenant) { [fixture] tx in
      try await TrainingJobs(database: fixture.database, queue: fixture.queue)
        .request(fixture.tenant, dataset: "d", in: tx) { parameters in
          var chosen = parameters
          chosen.family = family
          return chosen
        }
    }
    try await fixture.waitForEnd(of: Int(job.id))
  }
}

/// The resident memory of this process (proc(5)).
enum Memory {
  /// The peak in bytes since ``resetPeak()``.
  static var peak: Int { field("VmHWM") }

  /// Resets the peak and returns the current bytes.
  static func resetPeak() -> Int {
    try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
    return field("VmRSS")
  }

  private static func field(_ name: String) -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
    return (line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) } ?? 0)
      * 1_024
  }
}
