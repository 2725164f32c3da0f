"""The claim: which subnet this node holds, from what is seen in the store to what is written."""
