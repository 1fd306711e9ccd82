DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
CREATE TABLE pat_enc (pat_enc_csn_id numeric(18), pat_id varchar(18), contact_date timestamp, visit_prov_id varchar(18),
    department_id numeric(18), update_date timestamp);
CREATE TABLE pat_enc_dx (pat_enc_csn_id numeric(18), line int, dx_id numeric(18), primary_dx_yn varchar(1));
CREATE TABLE clarity_edg (dx_id numeric(18), current_icd10_list varchar(254));
CREATE TABLE clarity_ser (prov_id varchar(18), prov_name varchar(160));
CREATE TABLE clarity_ser_2 (prov_id varchar(18), npi varchar(10));
CREATE TABLE clarity_epm (payor_id numeric(18), payor_name varchar(80));
CREATE TABLE clarity_dep (department_id numeric(18), specialty_dep_c varchar(66));
CREATE TABLE zc_specialty (specialty_c varchar(66), name varchar(254));
CREATE TABLE arpb_transactions (tx_id numeric(18), tx_type_c int, pat_enc_csn_id numeric(18), payor_id numeric(18),
    cpt_code varchar(10), amount numeric(12, 2), total_match_amt numeric(12, 2), outstanding_amt numeric(12, 2),
    void_date timestamp, update_date timestamp);
CREATE TABLE v_sched_appt (pat_enc_csn_id numeric(18), pat_id varchar(18), prov_name_wid varchar(160),
    dept_specialty_name varchar(254), appt_made_date timestamp, appt_made_dttm timestamp, appt_dttm timestamp,
    appt_status_name varchar(254), appt_canc_dttm timestamp);
INSERT INTO pat_enc VALUES (1, 'Z1', '2026-02-03', 'P1', 10, '2026-02-04 08:00'), (2, 'Z2', '2026-02-03', 'P1', 10, '2026-02-05 08:00');
INSERT INTO pat_enc_dx VALUES (1, 1, 7, 'N'), (1, 2, 8, 'Y'), (2, 1, 7, NULL);
INSERT INTO clarity_edg VALUES (7, 'E11.9'), (8, 'C34.90,C34.91');
INSERT INTO clarity_ser VALUES ('P1', 'LEE, ANN');
INSERT INTO clarity_ser_2 VALUES ('P1', '1234567893');
INSERT INTO clarity_epm VALUES (5, 'Medicare');
INSERT INTO clarity_dep VALUES (10, 'x');
INSERT INTO zc_specialty VALUES ('x', 'Oncology');
INSERT INTO arpb_transactions VALUES
    (1, 1, 1, 5, '99213', 100, 80, 0, NULL, '2026-02-06 08:00'), (2, 1, 1, 5, '96413', 50.5, 0, 0, NULL, '2026-02-06 08:00'),
    (3, 1, 1, 5, '99999', 999, 0, 999, '2026-02-07', '2026-02-06 08:00'), (4, 2, 1, 5, NULL, -80, 0, 0, NULL, '2026-02-06'),
    (5, 1, 2, 5, '99214', 200, 0, 200, NULL, '2026-02-05 08:00');
INSERT INTO v_sched_appt VALUES
    (1, 'Z1', 'LEE, ANN', 'Oncology', '2026-01-20', '2026-01-20 10:00', '2026-02-03 09:00', 'Completed', NULL),
    (2, 'Z2', 'LEE, ANN', 'Oncology', '2026-01-21', '2026-01-21 10:00', '2026-02-03 10:00', 'No Show', NULL);
