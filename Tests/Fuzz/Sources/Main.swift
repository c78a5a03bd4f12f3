import Foundation

/// libFuzzer's entry point for programs with their own main function (FuzzerInterface.h of LLVM's compiler-rt).
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Runs libFuzzer on the target that the environment variable `VERDICT_FUZZ_TARGET` names.
@main enum Fuzz {
  private static let target = ProcessInfo.processInfo.environment["VERDICT_FUZZ_TARGET"].flatMap(
    Target.init(rawValue:))

  static func main() {
    guard target != nil else {
      print("VERDICT_FUZZ_TARGET must be one of \(Target.allCases.map(\.rawValue).joined(separator: ", "))")
      exit(2)
    }
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    exit(
      runDriver(&count, &arguments) { data, count in
        // libFuzzer owns the bytes, which are valid during this call.
        Fuzz.target?.run(Array(UnsafeBufferPointer(start: data, count: count)))
        return 0
      })
  }
}

/// Checks an invariant of every input. A violation ends the process, which libFuzzer reports as a finding.
func require(_ condition: Bool, _ what: String) {
  guard condition else { preconditionFailure(what) }
}
