document.write("<font color=#cc0000>0386217</font>");
