import Glibc

/// How long the storms blow: short in every test run, longer under `scripts/soak-adapters`.
enum Soak {
    static var kills: Int { number("FACET_SOAK_KILLS") ?? 6 }
    static var stormSeconds: Int { number("FACET_SOAK_SECONDS") ?? 2 }
    static var adapters: Int { number("FACET_SOAK_ADAPTERS") ?? 100 }

    private static func number(_ name: String) -> Int? {
        getenv(name).flatMap { Int(String(cString: $0)) }
    }
}
