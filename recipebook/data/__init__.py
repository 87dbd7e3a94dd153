"""Records to rows: conversion, splits, sampling, the account of every record."""
