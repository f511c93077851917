// Made by scripts/make-unicode-tables from Unicode 14.0.0.

extension DecompositionTable {
    /// Pairs that are not composed, with a 0 each.
    static let excluded: StaticString = """
        n8=0 178=0 1=0 1=0 1=0 1=0 1=0 1=0 1=0 3h=0 1=0 2=0 2c=0 3=0 z=0 1=0 1=0 3=0 72=0 1=0 rq=0 \
        a=0 5=0 5=0 5=0 d=0 a=0 2=0 1=0 2=0 9=0 i=0 a=0 5=0 5=0 5=0 d=0 5cz=0 154x=0 2=0 b=0 1=0 1=0 \
        1=0 1=0 1=0 1=0 1=0 1=0 1=0 1=0 1=0 1=0 2=0 1=0 1=0 1=0 1=0 2=0 2=0 1=0 2=0 1=0 2=0 1=0 1=0 \
        1=0 1=0 1=0 1=0 1=0 1=0 16a8=0 1=0 1=0 1=0 1=0 1=0 1=0 2f=0 1=0 1=0 1=0 1=0 1=0
        """
}
