"""Writes `unit/text/radiology_forms.tsv`: forms of Croatian words of radiology with their lemmas, by declension class.

Endings and alternations are those of the school grammar (Barić et al., Hrvatska gramatika). The lemma of an adjective's
forms, comparatives too, is its masculine; that of a verb's participles is the infinitive; a noun and the adjective made
of it are two lemmas. A form that belongs to two lemmas is left out. Run: `python tests/croatian_paradigms.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

TABLE = Path(__file__).parent / "unit" / "text" / "radiology_forms.tsv"
_ADJECTIVE = "i og oga om ome omu im a e oj u o ih ima"
_SOFT = "i eg ega em emu im a e oj u om ih ima"


def _sibilarised(stem: str) -> str:
    return stem[:-1] + stem[-1].translate(str.maketrans("kgh", "czs"))


def _on(stem: str, endings: str) -> list[str]:
    return [stem + ending for ending in endings.split()]


def _masculine(lemma: str, stem: str, plural: str, genitive: str, instrumental: str) -> list[str]:
    front = _sibilarised(plural)
    singular = [lemma, *_on(stem, f"a u {instrumental}")]
    return [
        *singular,
        front + "i",
        front + "ima",
        (stem if plural[-2:] not in ("ov", "ev") else plural) + "e",
        genitive,
    ]


def masculine(lemma: str) -> list[str]:
    """`hematom`, `bubreg` with `bubrezi`."""
    return _masculine(lemma, lemma, lemma, lemma + "a", "om")


def soft_masculine(lemma: str) -> list[str]:
    """`položaj`, `položajem`."""
    return _masculine(lemma, lemma, lemma, lemma + "a", "em")


def long_plural(lemma: str, stem: str = "") -> list[str]:
    """`zglob`, `zglobovi`; `dio`, `dijelovi`."""
    stem = stem or lemma
    return _masculine(lemma, stem, stem + "ov", stem + "ova", "om")


def soft_long_plural(lemma: str) -> list[str]:
    """`broj`, `brojevi`."""
    return _masculine(lemma, lemma, lemma + "ev", lemma + "eva", "em")


def fleeting(lemma: str, stem: str, plural: str = "") -> list[str]:
    """`kralježak`, `kralješka`, `kralješci`, `kralježaka`; `plural` where a dental is lost: `podatak`, `podaci`."""
    instrumental = "em" if stem[-1] == "c" else "om"
    return _masculine(lemma, stem, plural or stem, lemma + "a", instrumental)


def feminine(lemma: str, genitive: str = "") -> list[str]:
    """`vena`; the genitive plural where it is not the lemma: `točka`, `točaka`."""
    return [lemma, *_on(lemma[:-1], "e i u om ama"), *([genitive] if genitive else [])]


def velar_feminine(lemma: str, genitive: str = "") -> list[str]:
    """`noga`, dative `nozi`."""
    stem = lemma[:-1]
    return [lemma, *_on(stem, "e u om ama"), _sibilarised(stem) + "i", *([genitive] if genitive else [])]


def i_feminine(lemma: str, instrumental: str) -> list[str]:
    """`kost`, `kosti`, `košću`."""
    return [lemma, instrumental, lemma + "i", lemma + "ima"]


def neuter(lemma: str, genitive: str = "") -> list[str]:
    """`rebro`, `rebara`; `suženje`."""
    ending = "om" if lemma[-1] == "o" else "em"
    return [lemma, *_on(lemma[:-1], f"a u {ending} ima"), *([genitive] if genitive else [])]


def plural_only(lemma: str) -> list[str]:
    """`pluća`, `leđa`."""
    return [lemma, lemma[:-1] + "ima"]


def adjective(lemma: str, stem: str = "", comparative: str = "") -> list[str]:
    """`bolestan` with stem `bolesn`; `velik` with comparative `već`."""
    stem = stem or lemma
    forms = [*([lemma] if lemma != stem + "i" else []), *_on(stem, _ADJECTIVE)]
    if comparative:
        forms += _on(comparative, f"{_SOFT} e") + _on("naj" + comparative, f"{_SOFT} e")
    return forms


def i_adjective(lemma: str, comparative: str = "") -> list[str]:
    """Definite only: `plućni`, `lijevi`, `hilarni`."""
    return adjective(lemma, lemma[:-1], comparative)


def soft_adjective(lemma: str) -> list[str]:
    """`donji`, `srednji`, `opći`."""
    return _on(lemma[:-1], f"{_SOFT} e")


def _verb(lemma: str, present: str, third_plural: str, passive: str = "") -> list[str]:
    stem = lemma[:-2]
    forms = [lemma, *_on(present, "m mo te"), present, third_plural, *_on(stem, "o la lo li le")]
    return forms + (adjective(passive) if passive else [])


def a_verb(lemma: str) -> list[str]:
    """`snimati`, `snima`, `sniman`."""
    return _verb(lemma, lemma[:-2], lemma[:-2] + "ju", lemma[:-2] + "n")


def uj_verb(lemma: str) -> list[str]:
    """`prikazivati`, `prikazuje`."""
    root = lemma.removesuffix("ivati").removesuffix("ovati")
    return _verb(lemma, root + "uje", root + "uju", lemma[:-2] + "n")


def je_verb(lemma: str, present: str) -> list[str]:
    """`prikazati`, `prikaže`, `prikažu`, `prikazan`."""
    return _verb(lemma, present + "e", present + "u", lemma[:-2] + "n")


def i_verb(lemma: str, passive: str = "") -> list[str]:
    """`isključiti`, `isključi`, `isključe`, `isključen`."""
    return _verb(lemma, lemma[:-2], lemma[:-3] + "e", passive)


def jeti_verb(lemma: str, passive: str = "") -> list[str]:
    """`vidjeti`, `vidi`, `vide`, `vidio`, `vidjela`."""
    root = lemma.removesuffix("jeti")
    forms = [lemma, root + "i", *_on(root + "i", "m mo te"), root + "e", root + "io", *_on(root + "je", "la lo li le")]
    return forms + (adjective(passive) if passive else [])


def nuti_verb(lemma: str, passive: str = "") -> list[str]:
    """`puknuti`, `pukne`, `puknu`."""
    root = lemma.removesuffix("uti")
    return _verb(lemma, root + "e", root + "u", passive)


WORDS: list[tuple[Callable[..., list[str]], str]] = [
    (
        masculine,
        """nalaz nerv hematom tumor edem infarkt kateter prijelom apsces granulom adenom karcinom limfom fibrom lipom
        hemangiom mijelom sarkom melanom osteom glaukom gliom proces defekt infiltrat kalcifikat ligament segment
        element fragment kontrast volumen intenzitet signal kanal femur humerus radijus kalkaneus talus menisk
        ventrikul parenhim hilus sinus ureter atlas pneumotoraks toraks hidrotoraks osteofit trombocit implantat
        pacijent aparat prostor otvor promjer trohanter epikondil kondil acetabul skafoid septum sindrom trombus embol
        bronhogram kalkulus lumen mediastinum uterus rektum duodenum prijelaz prikaz pregled bubreg jezik uzrok
        bolesnik presjek odsjek jednjak dušnik razmak pomak krvotok liječnik radiolog kirurg patolog onkolog trbuh
        orah bronh sinusitis artritis bronhitis pankreatitis apendicitis kolitis gastritis spondilitis meningitis
        divertikulitis tendinitis bursitis hepatitis cistitis opseg pristup izljev refluks status rizik dijabetes
        ikterus zaslon preparat volvulus ileus hipotalamus talamus cerebelum hamartom teratom seminom neurinom
        meningeom ependimom astrocitom""",
    ),
    (soft_masculine, "zavoj položaj ležaj mišić nosač detalj"),
    (
        long_plural,
        """test trend stent zglob vrat rub vrh zid krug bok luk šum čvor list hod lijek rog trag trn prag plak snop štit
        čep stav vod tok skok klin kut val film dio:dijel mozak:mozg""",
    ),
    (soft_long_plural, "slučaj nož spoj sloj broj kraj ključ"),
    (
        fleeting,
        """kralježak:kralješk odlomak:odlomk ulomak:ulomk članak:člank privjesak:privjesk izdanak:izdank
        pritisak:pritisk vršak:vršk nedostatak:nedostatk:nedostak ostatak:ostatk:ostak početak:početk:poček
        trenutak:trenutk:trenuk završetak:završetk:završek gubitak:gubitk:gubik zadatak:zadatk:zadak
        postupak:postupk umetak:umetk:umek pupak:pupk ogranak:ogrank zubac:zupc vrabac:vrapc palac:palc
        starac:starc želudac:želuc nokat:nokt lakat:lakt centar:centr centimetar:centimetr milimetar:milimetr
        parametar:parametr filtar:filtr dijametar:dijametr ožiljak:ožiljk iscjedak:iscjetk:iscjek odrezak:odresk
        odlazak:odlask dolazak:dolask prolazak:prolask napredak:napretk:naprek otisak:otisk dobitak:dobitk:dobik
        metabolizam:metabolizm organizam:organizm mehanizam:mehanizm meteorizam:meteorizm traumatizam:traumatizm
        obujam:obujm""",
    ),
    (
        feminine,
        """točka:točaka pločica vena žila cista stijenka:stijenki šupljina pukotina sjena lezija kontuzija kompresija
        kalcifikacija dilatacija opacifikacija konsolidacija atelektaza stenoza artroza spondiloza skolioza
        osteoporoza fibroza nekroza ciroza tuberkuloza tromboza skleroza ateroskleroza metastaza embolija pneumonija
        fraktura ruptura struktura bolesnica kralježnica pacijentica jetra slezena gušterača aorta klijetka:klijetki
        pretklijetka:pretklijetki maternica prostata štitnjača dojka:dojki potkoljenica nadlaktica podlaktica
        natkoljenica lopatica zdjelica pleura dijafragma lubanja maksila mandibula orbita snimka:snimki dijagnoza
        terapija operacija kontrola biopsija punkcija resekcija hernija protruzija ekstruzija degeneracija upala
        ozljeda trauma rana tvorba masa zona linija ploha visina širina debljina dužina duljina gustoća veličina mjera
        granica promjena tekućina sluznica tetiva burza hrskavica medula kila peta proteza elektroda sonda endoproteza
        anomalija varijacija arterija artroskopija angiografija mamografija tomografija rezonancija sekvenca
        projekcija regija žlijezda simfiza dijafiza epifiza metafiza apofiza fascija aneurizma hidronefroza leukoza
        limfadenopatija kardiomegalija hepatomegalija splenomegalija bula kaverna bronhiektazija""",
    ),
    (velar_feminine, "kvrga pretraga noga ruka šaka podloga slika odluka"),
    (i_feminine, "kost:košću bolest:bolešću bol:boli čeljust:čeljušću oteklost:oteklošću šupljikavost:šupljikavošću"),
    (i_feminine, "prohodnost:prohodnošću gustost:gustošću prozračnost:prozračnošću nestabilnost:nestabilnošću"),
    (i_feminine, "mogućnost:mogućnošću aktivnost:aktivnošću osjetljivost:osjetljivošću"),
    (
        neuter,
        """rebro:rebara srce crijevo koljeno stopalo tijelo tkivo krilo mjesto područje suženje proširenje zadebljanje
        povećanje krvarenje oštećenje zračenje snimanje oboljenje zasjenjenje prosvjetljenje skraćenje liječenje
        stanje vlakno:vlakana grlo čelo jedro središte ždrijelo bedro:bedara crtovlje ispupčenje udubljenje smanjenje
        iskrivljenje pomicanje odstupanje mirovanje sredstvo:sredstava""",
    ),
    (plural_only, "pluća leđa usta prsa"),
    (
        adjective,
        """kos strm uredan:uredn:urednij bolestan:bolesn velik::već visok::viš nizak:nisk:niž dug::duž
        kratak:kratk:krać širok::šir uzak:usk:už debeo:debel:deblj tanak:tank:tanj gust::gušć rijedak:rijetk:rjeđ
        star::starij nov::novij mlad::mlađ jasan:jasn:jasnij oštar:oštr:oštrij okrugao:okrugl:okruglij blag::blaž
        jak::jač slab::slabij prozračan:prozračn:prozračnij vidljiv::vidljivij difuzan:difuzn:difuznij
        diskretan:diskretn:diskretnij stabilan:stabiln:stabilnij opsežan:opsežn:opsežnij homogen::homogenij nehomogen
        suspektan:suspektn simetričan:simetričn asimetričan:asimetričn djelomičan:djelomičn potpun kroničan:kroničn
        akutan:akutn:akutnij maligan:malign benigan:benign bolan:boln:bolnij neravan:neravn ravan:ravn
        normalan:normaln masivan:masivn:masivnij obilan:obiln:obilnij topao:topl:toplij mekan:mekan:mekš bijel::bjelj
        cijel svijetao:svijetl:svjetlij gladak:glatk:glađ kriv slobodan:slobodn pokretan:pokretn nepomičan:nepomičn
        prohodan:prohodn značajan:značajn:značajnij sitan:sitn:sitnij krupan:krupn:krupnij glomazan:glomazn
        čvrst::čvršć solitaran:solitarn nodularan:nodularn fokalan:fokaln progresivan:progresivn
        degenerativan:degenerativn reaktivan:reaktivn negativan:negativn pozitivan:pozitivn""",
    ),
    (
        i_adjective,
        """plućni lijevi desni prsni trbušni bubrežni moždani zglobni koštani srčani vratni slabinski lumbalni torakalni
        cervikalni sakralni kranijalni kaudalni lateralni medijalni dorzalni ventralni bazalni apikalni hilarni
        pleuralni perihilarni parenhimni arterijski venski žučni mokraćni tjelesni mišićni kralježnični patološki
        radiološki kirurški klinički kontrastni ultrazvučni magnetski tomografski bolnički medicinski intervertebralni
        paravertebralni subduralni epiduralni intrakranijalni retroperitonealni abdominalni mediastinalni
        intersticijski alveolarni bronhalni trahealni limfni cistični fibrozni artrotski sklerotični metastatski
        upalni traumatski postoperativni frontalni temporalni parijetalni okcipitalni maksilarni mandibularni zubni
        nosni očni ušni rebreni krvni hrskavični tumorski želučani crijevni jetreni nadlaktični potkoljenični petni
        ženski muški""",
    ),
    (i_adjective, "mali:manj"),
    (soft_adjective, "donji gornji srednji prednji stražnji opći sljedeći vodeći krajnji unutarnji"),
    (
        a_verb,
        """snimati pregledati operirati kontrolirati dijagnosticirati dilatirati komprimirati aplicirati lokalizirati
        deformirati destruirati evakuirati punktirati drenirati fiksirati sumirati reducirati kalcificirati
        frakturirati""",
    ),
    (uj_verb, "prikazivati pokazivati ukazivati opisivati nadovezivati zaključivati isključivati upućivati"),
    (uj_verb, "preporučivati uspoređivati smanjivati oblikovati"),
    (
        je_verb,
        "isticati:istič prikazati:prikaž pokazati:pokaž ukazati:ukaž opisati:opiš dokazati:dokaž pisati:piš vezati:vež",
    ),
    (
        i_verb,
        """isključiti:isključen uključiti:uključen učiniti:učinjen proširiti:proširen smanjiti:smanjen oštetiti:oštećen
        primijeniti:primijenjen utvrditi:utvrđen preporučiti:preporučen usporediti:uspoređen izraziti:izražen
        pratiti:praćen suziti:sužen zahvatiti:zahvaćen obuhvatiti:obuhvaćen potvrditi:potvrđen odstraniti:odstranjen
        iskriviti:iskrivljen oslabiti:oslabljen ograničiti:ograničen odvojiti:odvojen liječiti:liječen
        razlučiti:razlučen skratiti:skraćen ozlijediti:ozlijeđen promijeniti:promijenjen postaviti:postavljen
        ostaviti:ostavljen""",
    ),
    (jeti_verb, "vidjeti:viđen živjeti"),
    (nuti_verb, "puknuti:puknut pomaknuti:pomaknut istegnuti:istegnut spomenuti:spomenut"),
]


def paradigms() -> dict[str, list[str]]:
    """Lemma → its forms."""
    return {entry.split(":")[0]: decline(*entry.split(":")) for decline, entries in WORDS for entry in entries.split()}


def unambiguous(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Pairs (form, lemma) in order, without forms of two lemmas."""
    lemmas = defaultdict(set)
    for lemma, forms in table.items():
        for form in forms:
            lemmas[form].add(lemma)
    return sorted((form, *found) for form, found in lemmas.items() if len(found) == 1)


if __name__ == "__main__":
    TABLE.write_text("".join(f"{form}\t{lemma}\n" for form, lemma in unambiguous(paradigms())), encoding="utf-8")
