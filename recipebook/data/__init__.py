"""Records to rows: conversion, splits, overlap, quality checks, the prepared dataset, exports."""
