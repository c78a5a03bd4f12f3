// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target of this package is compiled with.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1: Target.Dependency = .product(
  name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let settings: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")

/// Set by scripts/fuzz to libFuzzer's library without a main function: what reads from outside is then compiled with the
/// address sanitizer and the coverage that libFuzzer goes by.
let fuzzer = Context.environment["VERDICT_FUZZER"]
let fuzzed: [SwiftSetting] = fuzzer == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer,address"])]
let fuzzedCXX: [CXXSetting] = fuzzer == nil ? [] : [.unsafeFlags(["-fsanitize=fuzzer-no-link,address"])]

let package = Package(
  name: "verdict",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "verdict", targets: ["VerdictCommand"])
  ],
  dependencies: [
    .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.20.0"),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.90.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.30.0"),
    .package(url: "https://github.com/apple/swift-http-types.git", from: "1.4.0"),
    .package(url: "https://github.com/apple/swift-metrics.git", from: "2.7.0"),
    .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-configuration.git", from: "1.0.0"),
    .package(url: "https://github.com/jpsim/Yams.git", from: "6.0.0"),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.12.0"),
    .package(url: "https://github.com/apple/swift-crypto.git", from: "4.0.0"),
    .package(url: "https://github.com/apple/swift-collections.git", from: "1.3.0"),
    .package(url: "https://github.com/apple/swift-system.git", from: "1.6.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.11.0"),
  ],
  targets: [
    // The PostgreSQL client: libpq below, nothing of Verdict inside.
    .systemLibrary(
      name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
    .target(
      name: "PostgreSQL", dependencies: ["CLibPQ", log, collections], exclude: ["README.md"],
      // A statement runs where its caller runs: no change of thread but the one that waiting costs.
      swiftSettings: strict + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]),

    // The durable queue: on PostgreSQL, nothing of training inside.
    .target(name: "JobQueue", dependencies: ["PostgreSQL", log], swiftSettings: strict),

    // The private PostgreSQL that runs when no database is given.
    .target(
      name: "EmbeddedPostgres", dependencies: ["PostgreSQL", log, subprocess, system],
      swiftSettings: strict),

    // The learner: pure maths, C inner loops below.
    .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3"])]),
    .target(name: "Learning", dependencies: ["CKernels", heap], swiftSettings: strict),

    // Rows of features in and out: JSON, NDJSON, CSV, compression.
    .target(
      name: "CSimdJSON", cxxSettings: [.unsafeFlags(["-O3"])] + fuzzedCXX,
      linkerSettings: [.linkedLibrary("simdjson")]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
    .target(
      name: "RowFormats", dependencies: ["CSimdJSON", "CZlib", "CZstd"], swiftSettings: strict + fuzzed),

    // The functions of glibc's allocator beyond the standard.
    .systemLibrary(name: "CMalloc"),

    // The domain and its SQL.
    .target(
      name: "VerdictCore",
      dependencies: [
        "PostgreSQL", "JobQueue", "Learning", "RowFormats", "CMalloc", "CResources", log, crypto,
      ],
      swiftSettings: strict + fuzzed),

    // HTTP, and the executable.
    .target(name: "CResources"),
    .target(
      name: "VerdictServer",
      dependencies: [
        "VerdictCore", "JobQueue", "Learning", "PostgreSQL", "RowFormats", "CResources",
        hummingbird, hummingbirdCore, hummingbirdTLS,
        httpTypes,
        nioCore, nioHTTP1, nioSSL, nioHTTPTypes, nioHTTPTypesHTTP1, coreMetrics,
        lifecycle, yams, crypto, log,
      ],
      exclude: ["Console"],
      swiftSettings: strict + fuzzed),
    .executableTarget(
      name: "VerdictCommand",
      dependencies: [
        "VerdictServer", "VerdictCore", "JobQueue", "PostgreSQL", "EmbeddedPostgres", arguments, settings,
        lifecycle, signals,
        nioCore, nioPosix, nioSSL, log,
      ],
      swiftSettings: strict),

    // Tests: units without a database, integration tests against a PostgreSQL that the run starts.
    .target(
      name: "TestSupport", dependencies: ["PostgreSQL", log, subprocess, system],
      path: "Tests/TestSupport", swiftSettings: strict),
    .executableTarget(
      name: "PostgreSQLCycles", dependencies: ["PostgreSQL"], path: "Tests/PostgreSQLCycles",
      swiftSettings: strict),
    .testTarget(
      name: "PostgreSQLTests", dependencies: ["PostgreSQL", "PostgreSQLCycles", "TestSupport", log],
      swiftSettings: strict),
    .testTarget(
      name: "JobQueueTests", dependencies: ["JobQueue", "PostgreSQL", "TestSupport", log],
      swiftSettings: strict),
    .executableTarget(
      name: "EmbeddedPostgresHolder", dependencies: ["EmbeddedPostgres", log],
      path: "Tests/EmbeddedPostgresHolder", swiftSettings: strict),
    .testTarget(
      name: "EmbeddedPostgresTests",
      dependencies: [
        "EmbeddedPostgres", "EmbeddedPostgresHolder", "PostgreSQL", "TestSupport", log, subprocess, system,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "LearningTests", dependencies: ["Learning", "CKernels"],
      resources: [.copy("Fixtures")], swiftSettings: strict),
    .testTarget(
      name: "RowFormatsTests", dependencies: ["RowFormats", "CZlib", "CZstd", "TestSupport"],
      swiftSettings: strict),
    .target(
      name: "DomainTestSupport",
      dependencies: ["VerdictCore", "JobQueue", "PostgreSQL", "RowFormats", "TestSupport", log],
      path: "Tests/DomainTestSupport", swiftSettings: strict),
    .target(
      name: "HTTPTestSupport", dependencies: [nioCore, nioPosix, nioHTTP1],
      path: "Tests/HTTPTestSupport", swiftSettings: strict),
    .testTarget(
      name: "VerdictServerTests",
      dependencies: [
        "VerdictServer", "VerdictCore", "JobQueue", "Learning", "PostgreSQL", "RowFormats",
        "DomainTestSupport",
        "HTTPTestSupport",
        "TestSupport", hummingbird, httpTypes, nioCore, nioSSL, nioPosix, nioHTTP1, lifecycle, yams, log,
      ],
      resources: [.copy("Fixtures")], swiftSettings: strict),
    .testTarget(
      name: "VerdictCommandTests",
      dependencies: ["VerdictCommand", "HTTPTestSupport", "PostgreSQL", "TestSupport", subprocess, system],
      swiftSettings: strict),
    .testTarget(
      name: "VerdictCoreTests",
      dependencies: [
        "VerdictCore", "JobQueue", "Learning", "PostgreSQL", "RowFormats", "DomainTestSupport", "TestSupport",
      ],
      swiftSettings: strict),

    // The client against pgbench and psql on a server of its own.
    .executableTarget(
      name: "PostgreSQLBenchmarks", dependencies: ["PostgreSQL", "CLibPQ", "TestSupport"],
      path: "Benchmarks/PostgreSQLBenchmarks", swiftSettings: strict),
    // Labels in and out of a server of its own, against psql.
    .executableTarget(
      name: "IngestBenchmarks", dependencies: ["TestSupport"],
      path: "Benchmarks/IngestBenchmarks", swiftSettings: strict),

    // The learner beside scikit-learn (compare.py).
    .executableTarget(
      name: "LearningBenchmarks", dependencies: ["Learning", "TestSupport"],
      path: "Benchmarks/LearningBenchmarks",
      exclude: ["compare.py", "requirements.txt", "run"], swiftSettings: strict),

    // The held-out quality of the families beside other libraries (compare.py).
    .executableTarget(
      name: "QualityBenchmarks", dependencies: ["Learning"],
      path: "Benchmarks/QualityBenchmarks",
      exclude: ["compare.py", "reference.json", "reference.py", "requirements.txt", "run", "tables.py"],
      swiftSettings: strict),

    // Training jobs from the queue to the stored model, against psql on the same rows.
    .executableTarget(
      name: "JobBenchmarks",
      dependencies: ["VerdictCore", "JobQueue", "Learning", "PostgreSQL", "RowFormats", "TestSupport", log],
      path: "Benchmarks/JobBenchmarks", swiftSettings: strict),

    // The reference of the predictions' benchmark, whose driver is the script `run` beside it.
    .executableTarget(
      name: "PredictionBenchmarks", dependencies: [hummingbird, httpTypes],
      path: "Benchmarks/PredictionBenchmarks", exclude: ["run", "mix.lua"], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)

if let fuzzer {
  package.targets.append(
    .executableTarget(
      name: "VerdictFuzz",
      dependencies: [
        "RowFormats", "VerdictCore", "VerdictServer", hummingbird, hummingbirdCore, httpTypes, nioCore,
      ],
      path: "Tests/Fuzz/Sources", swiftSettings: strict + fuzzed,
      linkerSettings: [.unsafeFlags(["-sanitize=address", fuzzer]), .linkedLibrary("stdc++")]))
}
