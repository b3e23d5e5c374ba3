"""Fabricated copies of MSP-Podcast and IEMOCAP, with real speech."""

import json
import os

import numpy as np
import soundfile

from audw2s.audio.preprocess import load

MSP = """\
FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set
MSP-PODCAST_0001_0008.wav,N,2.2,4.0,2.6,30,Male,Test1
MSP-PODCAST_0001_0009.wav,A,6.777778,1.555556,7.0,127,Female,Train
MSP-PODCAST_0002_0011.wav,S,1,2.75,3.5,127,Female,Train
MSP-PODCAST_0002_0013.wav,X,5.4,4.8,4.2,Unknown,Unknown,Development
MSP-PODCAST_0003_0016.wav,H,5.0,6.2,4.6,Unknown,Unknown,Test2
MSP-PODCAST_xxxx_0001.wav,X,,,,,,Test3
"""

FIRST = """\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 3.5000, 2.0000]
C-E2:\tNeutral;\t()
C-E3:\tNeutral; Sadness;\t()
C-F1:\tNeutral;\t(curious)
A-E3:\tval 3; act 4; dom  2;\t()
A-E4:\tval 2; act 3; dom  ;\t(mildly aggravated, \x93polite\x94, dom 5;)
A-F1:\tval 5; act 1; dom  5;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M001\txxx\t[1.5000, 4.5000, 5.5000]
C-E2:\tAnger;\t()
A-E2:\tval 1; act 5; dom  6;\t()
A-E3:\tval 2; act 4; dom  5;\t()
A-M1:\tval 1; act ; dom  ;\t()

"""

SECOND = """\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[4.9900 - 7.9500]\tSes05M_script01_1b_F000\thap\t[4.0000, 3.0000, 2.5000]
A-E3:\tval 4; act 3; dom  3;\t()
A-E4:\tval 4; act 3; dom  2;\t()

[9.1282 - 15.0000]\tSes05M_script01_1b_M012\tfru\t[2.0000, 4.0000, 4.0000]
A-E3:\tval 2; act 4; dom  4;\t()
"""


def write(path, clip):
    """A clip in the format of both corpora."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    soundfile.write(path, load(clip), 16000, subtype="PCM_16")


def make_msp(root, clips, labels="Labels/labels_consensus.csv", audio="Audios"):
    path = root / labels
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MSP)
    for line, clip in zip(MSP.splitlines()[1:], clips, strict=True):
        write(root / audio / line.split(",")[0], clip)
    return str(root)


def make_iemocap(root, clips):
    texts = {"Session1": FIRST, "Session5": SECOND}
    names = {"Session1": "Ses01F_impro01", "Session5": "Ses05M_script01_1b"}
    for session, text in texts.items():
        folder = root / session / "dialog" / "EmoEvaluation"
        # Subfolders with the texts of single raters, and what macOS leaves behind
        (folder / "Attribute").mkdir(parents=True)
        (folder / "Attribute" / "Ses01F_impro01_e2_atr.txt").write_text("[")
        (folder / f"._{names[session]}.txt").write_bytes(b"\0\5\x16\7[")
        path = folder / f"{names[session]}.txt"
        path.write_text(text, encoding="latin-1")
        wavs = root / session / "sentences" / "wav" / names[session]
        for line in text.splitlines():
            if line.startswith("["):
                write(wavs / f"{line.split()[3]}.wav", clips.pop())
    return str(root)


def published_means():
    lines = [line for line in (FIRST + SECOND).splitlines() if line.startswith("[")]
    means = [json.loads(line.split("\t")[-1]) for line in lines]
    return np.array(means)[:, [1, 2, 0]]
