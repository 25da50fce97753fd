// Where the server under test is, and what it knows.
export const url = process.env.URL;
export const token = process.env.TOKEN;
export const client = process.env.CLIENT;
export const socketURL = url.replace(/^http/, 'ws');
export const authorization = `Bearer ${token}`;
export const headers = { authorization, 'accept-language': 'en' };
