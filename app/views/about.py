"""What the studio is, how it works, which models it uses, and what it cannot do."""

from __future__ import annotations

import streamlit as st

from app import resources, session
from app.panels.briefly import jobs_in_page
from app.panels.frame import jobs_beside
from app.widgets import page_style, sentence

HOW = """
1. **Describe** what should change, in your own words. The studio works out which part of the face is meant; you can change that.
2. **Learn.** It looks for a step in the generator's latent space that makes pictures fit your words (CLIP judges that), while
   what lies outside the part stays as it is. This takes a minute or two, on the processor alone.
3. **Drag.** The step is now a slider. At strength 1 the face is as much like that as faces of the pack are; negative strengths go
   the other way, and edits add up.
4. **Keep.** A saved PNG carries its recipe: open it again and every slider is back. What you were doing waits for you, too, when
   you close the studio and come back.
"""
LIMITS = """
- The built-in faces are drawn, and nobody's. The models know what was drawn: words for other things mean nothing to them.
- A direction moves what goes together in the pictures it was learned from; leaving layers out often helps.
- An edit ends where faces of the pack end. Past that, which its layers button offers, the generator draws what it has never seen.
"""

page_style()
st.title("eCLIPsed Studio", anchor=False)
st.markdown("Type what should change about a face, and get a slider that changes it.")
st.header("How it works", anchor=False)
st.markdown(HOW)
st.header("Limits", anchor=False)
st.markdown(LIMITS)
st.header("The models in use", anchor=False)
try:
    info = resources.pack().info
    session.begin(st.session_state, resources.pack().truncation)
    jobs_beside()
    jobs_in_page()
    st.table({"Pack": f"{info['name']} {info['version']}", "Pictures": f"{info['domain']}, {info['resolution']} pixels wide",
              "Licence": info["licence"], "Directions are kept in": str(resources.runs_folder().absolute())})
except (ValueError, OSError) as error:
    st.error(sentence(error))
