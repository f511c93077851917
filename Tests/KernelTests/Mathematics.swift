import Glibc

extension Double {
    static func tanhOf(_ x: Double) -> Double { Glibc.tanh(x) }
    static func expOf(_ x: Double) -> Double { Glibc.exp(x) }
    static func erfOf(_ x: Double) -> Double { Glibc.erf(x) }
    static func logOf(_ x: Double) -> Double { Glibc.log(x) }
}
