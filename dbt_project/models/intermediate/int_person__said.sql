-- One row per live record that says something of a person: what is taken for those whom the registry does not know.
select
    'IASS' as flow_code,
    person_ref,
    sender_code,
    contact_on as said_on,
    contact_id as record_id,
    demand_number as place_number,
    sex_code,
    birth_year,
    citizenship_code,
    residence_comune_code
from {{ ref('stg_iass__demand') }}
union all
select
    'FAR1',
    person_ref,
    sender_code,
    admission_on,
    admission_id,
    1,
    sex_code,
    birth_year,
    citizenship_code,
    residence_comune_code
from {{ ref('stg_far1__admission') }}
union all
select
    'ADI1',
    person_ref,
    sender_code,
    started_on,
    care_id,
    1,
    sex_code,
    birth_year,
    citizenship_code,
    residence_comune_code
from {{ ref('stg_adi1__taking_in_charge') }}
union all
select
    'SMAC',
    person_ref,
    sender_code,
    period_start_on,
    contract_id,
    1,
    sex_code,
    birth_year,
    citizenship_code,
    residence_comune_code
from {{ ref('stg_smac__contract') }}
union all
select
    'SISAM',
    person_ref,
    sender_code,
    report_on,
    case_id,
    1,
    sex_code,
    birth_year,
    citizenship_code,
    residence_comune_code
from {{ ref('stg_sisam__case') }}
