// swift-tools-version: 6.3
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

func system(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(
        name: name,
        path: "Sources/\(name)",
        pkgConfig: pkgConfig,
        providers: [.apt([apt])]
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies + ["TestSupport"],
        path: "Tests/\(name)",
        exclude: exclude,
        swiftSettings: swiftSettings
    )
}

let package = Package(
    name: "facet",
    products: [.executable(name: "facet", targets: ["facet"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // What the system brings: a module map and the macros Swift cannot see.
        system("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
        system("CLibUV", pkgConfig: "libuv", apt: "libuv1-dev"),
        system("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
        system("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
        system("CPostgres", pkgConfig: "libpq", apt: "libpq-dev"),
        system("CPCRE2", pkgConfig: "libpcre2-8", apt: "libpcre2-dev"),

        // SIMD kernels. Optimised in debug builds too: unoptimised they are 50 times slower.
        .target(
            name: "CKernels",
            path: "Sources/CKernels",
            cSettings: [.unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"])]
        ),
        // The web console's files, embedded: an array of bytes in Swift takes half a minute to compile.
        .target(name: "CConsole", path: "Sources/CConsole", exclude: ["files"]),
        // The toolchain ships a module named Runtime, so the folder and the target differ.
        .target(
            name: "InferenceRuntime",
            dependencies: [
                "CKernels", "COpenBLAS", "COpenSSL", "CPCRE2",
                .product(name: "Collections", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Runtime",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Storage",
            dependencies: [
                "InferenceRuntime", "CPostgres",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Storage",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "AdapterStore",
            dependencies: [
                "Storage", "InferenceRuntime",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/AdapterStore",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Trainer",
            dependencies: [
                "AdapterStore", "Storage", "InferenceRuntime", "COpenBLAS", "CZlib", "CZstd",
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            path: "Sources/Trainer",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "API",
            dependencies: [
                "Trainer", "AdapterStore", "Storage", "InferenceRuntime", "CCurl", "CLibUV",
                "CConsole", "COpenSSL", "CZlib",
                .product(name: "Collections", package: "swift-collections"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            path: "Sources/API",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "facet",
            dependencies: [
                "API", "Trainer", "AdapterStore", "Storage", "InferenceRuntime",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            path: "Sources/facet",
            swiftSettings: swiftSettings
        ),

        // Counts allocations; linked into tests alone.
        .target(name: "CTestSupport", path: "Tests/CTestSupport"),
        .target(
            name: "TestSupport",
            dependencies: ["AdapterStore", "Storage", "InferenceRuntime", "CTestSupport"],
            path: "Tests/TestSupport",
            swiftSettings: swiftSettings
        ),
        tests("KernelTests", ["InferenceRuntime", "CKernels"]),
        tests("RuntimeTests", ["InferenceRuntime"]),
        tests(
            "StorageTests",
            ["Storage", .product(name: "Logging", package: "swift-log")]
        ),
        tests("AdapterStoreTests", ["AdapterStore", "Storage", "InferenceRuntime"]),
        tests(
            "TrainerTests",
            [
                "Trainer", "AdapterStore", "Storage", "InferenceRuntime",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        tests("APITests", ["API", "Trainer", "AdapterStore", "Storage", "InferenceRuntime"]),
        // Runs the executable that is built beside it.
        tests("CommandTests", []),
        tests("TidyTests", []),
    ]
)

// Every parser of what comes from outside, as functions of bytes. `swift test` replays the inputs that
// once went wrong; `scripts/fuzz` builds the same functions into a fuzzer, with coverage in every module.
let fuzzed: [Target.Dependency] = ["API", "Trainer", "AdapterStore", "Storage", "InferenceRuntime"]
if Context.environment["FACET_FUZZ"] == nil {
    package.targets.append(
        .testTarget(
            name: "FuzzTests",
            dependencies: fuzzed,
            path: "Tests/Fuzz",
            exclude: ["CFuzzer", "Driver", "Seeds"],
            swiftSettings: swiftSettings
        )
    )
} else {
    package.targets += [
        .target(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: fuzzed + ["CFuzzer"],
            path: "Tests/Fuzz",
            exclude: ["CFuzzer", "Replay", "Seeds"],
            swiftSettings: swiftSettings
        ),
    ]
}
