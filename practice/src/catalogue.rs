//! What the shops sell.

use crate::lang::Lang;

/// One product.
pub(crate) struct Product {
    /// Its stable id, which is also its address.
    pub(crate) id: &'static str,
    en: &'static str,
    de: &'static str,
    /// Its price today, in cents.
    pub(crate) cents: i64,
    /// The hue of its picture, in degrees.
    pub(crate) hue: u16,
}

impl Product {
    pub(crate) fn name(&self, lang: Lang) -> &'static str {
        lang.pick(self.en, self.de)
    }
}

const fn product(id: &'static str, en: &'static str, de: &'static str, cents: i64, hue: u16) -> Product {
    Product { id, en, de, cents, hue }
}

/// All of them.
pub(crate) const PRODUCTS: [Product; 24] = [
    product("P1001", "Oak desk lamp", "Schreibtischlampe aus Eiche", 8_900, 38),
    product("P1002", "Linen tea towels, set of 4", "Geschirrtücher aus Leinen, 4 Stück", 2_450, 12),
    product("P1003", "Stoneware mug, 350 ml", "Steingutbecher, 350 ml", 1_690, 205),
    product("P1004", "Beeswax candles, 6", "Bienenwachskerzen, 6 Stück", 1_980, 46),
    product("P1005", "Wool throw, moss green", "Wolldecke, moosgrün", 12_900, 110),
    product("P1006", "Fountain pen, fine", "Füllfederhalter, fein", 5_400, 225),
    product("P1007", "Notebook, dotted, A5", "Notizbuch, gepunktet, A5", 1_350, 350),
    product("P1008", "Cast iron pan, 26 cm", "Gusseiserne Pfanne, 26 cm", 6_990, 220),
    product("P1009", "Bamboo cutting board", "Schneidebrett aus Bambus", 3_290, 80),
    product("P1010", "Rain jacket \"Harbour\"", "Regenjacke „Hafen“", 15_900, 195),
    product("P1011", "Bicycle bell, brass", "Fahrradklingel, Messing", 2_190, 50),
    product("P1012", "USB-C cable, braided, 2 m", "USB-C-Kabel, geflochten, 2 m", 1_490, 265),
    product("P1013", "Kitchen scale", "Küchenwaage", 3_990, 180),
    product("P1014", "Seed box: herbs & greens", "Saatkiste: Kräuter & Grünes", 1_890, 130),
    product("P1015", "Wall clock, 30 cm", "Wanduhr, 30 cm", 4_590, 20),
    product("P1016", "Headphones, on-ear", "Kopfhörer, On-Ear", 18_900, 280),
    product("P1017", "Walnut picture frame", "Bilderrahmen aus Nussbaum", 2_790, 28),
    product("P1018", "Olive oil soap, 3 bars", "Olivenölseife, 3 Stück", 1_290, 65),
    product("P1019", "Hiking socks, merino", "Wandersocken, Merino", 2_290, 330),
    product("P1020", "Enamel lunch box", "Brotdose aus Emaille", 2_690, 170),
    product("P1021", "Jigsaw puzzle, 1000 pieces", "Puzzle, 1000 Teile", 2_490, 300),
    product("P1022", "Espresso cups <small>, 2", "Espressotassen <klein>, 2", 2_150, 5),
    product("P1023", "Felt slippers", "Filzpantoffeln", 4_900, 150),
    product("P1024", "Standing desk, birch", "Stehtisch, Birke", 109_900, 34),
];
