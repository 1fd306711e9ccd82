DROP TABLE IF EXISTS form_encounter, billing, ar_activity, users, facility;
CREATE TABLE form_encounter (id bigint PRIMARY KEY, date datetime, pid bigint, encounter bigint, provider_id int, facility_id int,
    last_update timestamp NULL);
CREATE TABLE billing (id int PRIMARY KEY, date datetime, code_type varchar(15), code varchar(20), pid bigint, encounter int,
    activity tinyint(1), fee decimal(12, 2));
CREATE TABLE ar_activity (pid int, encounter int, sequence_no int, pay_amount decimal(12, 2), adj_amount decimal(12, 2),
    modified_time datetime, deleted datetime);
CREATE TABLE users (id bigint, fname varchar(255), lname varchar(255), npi varchar(15));
CREATE TABLE facility (id int, name varchar(255));
INSERT INTO form_encounter VALUES (1, '2026-02-03 09:00', 11, 101, 1, 3, '2026-02-04 08:00'), (2, '2026-02-03 10:00', 12, 102, 1, 3, '2026-02-05 08:00');
INSERT INTO billing VALUES (1, '2026-02-03', 'ICD10', 'C34.90', 11, 101, 1, 0), (2, '2026-02-03', 'CPT4', '99213', 11, 101, 1, 100),
    (3, '2026-02-03', 'CPT4', '96413', 11, 101, 1, 50.5), (4, '2026-02-03', 'CPT4', '99999', 11, 101, 0, 999),
    (5, '2026-02-03', 'ICD10', 'E11.9', 12, 102, 1, 0), (6, '2026-02-03', 'CPT4', '99214', 12, 102, 1, 200);
INSERT INTO ar_activity VALUES (11, 101, 1, 80, 20, '2026-02-06 08:00', NULL), (11, 101, 2, 999, 0, '2026-02-06 08:00', '2026-02-07');
INSERT INTO users VALUES (1, 'Ann', 'Lee', '1234567893');
INSERT INTO facility VALUES (3, 'Oncology');
