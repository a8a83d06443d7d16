# A private slapd below a folder, on loopback, with TLS: people of an LDIF text, in the shape of
# OpenLDAP (inetOrgPerson and what qmail-ldap made usual) or of Active Directory.
package Poterne::Slapd;

use strict;
use warnings;

use File::Path qw(make_path remove_tree);

use Poterne::Files qw(write_file);
use Poterne::Process qw(free_port wait_for_port start_process stop_process command_output);

use constant { BASE => 'dc=univ,dc=example', PASSWORD => 'a secret, with spaces' };

# The attributes of the two presets that Debian's schemas lack. What is Active Directory's has its
# names and its syntaxes, under numbers of our own.
my $SCHEMA = <<'EOF_SCHEMA';
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'mailAlternateAddress'
    EQUALITY caseIgnoreIA5Match SUBSTR caseIgnoreIA5SubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.1.2 NAME 'accountStatus'
    EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.3 NAME 'mailForwardingAddress'
    EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.1.4 NAME ( 'quotaUsed' )
    EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.5 NAME ( 'quotaLimit' )
    EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.6 NAME 'maySendAs'
    EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.1.7 NAME 'mayWrite'
    EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.1.10 NAME 'proxyAddresses'
    EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.1.11 NAME 'userAccountControl'
    EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.12 NAME 'msExchRecipientTypeDetails'
    EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.13 NAME 'msExchGenericForwardingAddress'
    EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.14 NAME 'authOrig'
    EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
attributetype ( 1.3.6.1.4.1.99999.1.15 NAME 'msExchRequireAuthToSendTo'
    EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'mailAccount' SUP top AUXILIARY
    MAY ( mail $ mailAlternateAddress $ accountStatus $ mailForwardingAddress $ quotaUsed $ quotaLimit $ maySendAs $ mayWrite ) )
objectclass ( 1.3.6.1.4.1.99999.2.2 NAME 'user' SUP top AUXILIARY
    MAY ( mail $ proxyAddresses $ userAccountControl $ msExchRecipientTypeDetails $ msExchGenericForwardingAddress ) )
objectclass ( 1.3.6.1.4.1.99999.2.3 NAME 'group' SUP top AUXILIARY
    MAY ( mail $ proxyAddresses $ member $ authOrig $ msExchRequireAuthToSendTo ) )
EOF_SCHEMA

my $SETTINGS = <<'EOF_SETTINGS';
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/misc.schema
include %{root}/test.schema
modulepath /usr/lib/ldap
moduleload back_mdb
%{module}pidfile %{root}/slapd.pid
argsfile %{root}/slapd.args
threads 4
sizelimit size.soft=1000 size.hard=1000 size.prtotal=unlimited
TLSCACertificateFile %{root}/ca.pem
TLSCertificateFile %{root}/server.pem
TLSCertificateKeyFile %{root}/server.key
database mdb
maxsize 4294967296
suffix "dc=univ,dc=example"
rootdn "cn=gateway,dc=univ,dc=example"
rootpw "%{password}"
directory %{root}/db
dbnosync
index objectClass eq
index mail eq,pres
index mailLocalAddress eq,pres
index mailAlternateAddress eq
index proxyAddresses eq,pres,sub
%{overlay}access to * by dn="cn=gateway,dc=univ,dc=example" write by * none
EOF_SETTINGS

sub there {
    return -x '/usr/sbin/slapd' && -x '/usr/sbin/slapadd' && -e '/usr/lib/ldap/back_mdb.so';
}

sub run {
    my ( $status, $output ) = command_output(@_);
    die "@_: $output\n" if $status;
    return;
}

# A certificate for 127.0.0.1 (libldap takes localhost for the machine's own name) of an authority that nobody else knows.
sub make_certificates {
    my ($root) = @_;
    run( qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=test-ca),
        '-keyout', "$root/ca.key", '-out', "$root/ca.pem" );
    run( qw(openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost),
        '-keyout', "$root/server.key", '-out', "$root/server.csr" );
    write_file( "$root/server.ext", "subjectAltName=DNS:localhost,IP:127.0.0.1\n" );
    run( qw(openssl x509 -req -days 30 -CAcreateserial), '-in', "$root/server.csr", '-CA', "$root/ca.pem", '-CAkey',
        "$root/ca.key", '-extfile', "$root/server.ext", '-out', "$root/server.pem" );
    return;
}

# People log in with their userPassword, and the policy of cn=policy (of class pwdPolicy) holds for it.
my %PPOLICY = (
    module  => "moduleload ppolicy\n",
    overlay => "overlay ppolicy\nppolicy_default cn=policy,dc=univ,dc=example\nppolicy_use_lockout\n"
        . "access to attrs=userPassword by anonymous auth by * none\n"
);

# ldif: text, or a function that writes it to a file handle. Option: ppolicy.
sub new {
    my ( $class, $root, $ldif, %option ) = @_;
    my $self = bless { root => $root, port => free_port(), tls_port => free_port() }, $class;
    make_path("$root/db");
    make_certificates($root);
    my %value = ( root => $root, password => PASSWORD, module => q{}, overlay => q{}, $option{ppolicy} ? %PPOLICY : () );
    ( my $settings = $SETTINGS ) =~ s/%\{(\w+)\}/$value{$1}/g;
    write_file( "$root/slapd.conf",  $settings );
    write_file( "$root/test.schema", $SCHEMA );
    write_file( "$root/password",    PASSWORD . "\n" );
    $self->load($ldif);
    return $self->start;
}

# All people anew; the server must not run.
sub load {
    my ( $self, $ldif ) = @_;
    my $root = $self->{root};
    remove_tree( "$root/db", { keep_root => 1 } );
    open my $file, '>', "$root/people.ldif" or die "$root/people.ldif: $!\n";
    print {$file} 'dn: ' . BASE . "\nobjectClass: dcObject\nobjectClass: organization\no: test\ndc: univ\n\n";
    ref $ldif ? $ldif->($file) : print {$file} $ldif;
    close $file or die "$root/people.ldif: $!\n";
    run( '/usr/sbin/slapadd', '-q', '-f', "$root/slapd.conf", '-l', "$root/people.ldif" );
    return;
}

sub start {
    my ($self) = @_;
    my $urls = "ldap://127.0.0.1:$self->{port} ldaps://127.0.0.1:$self->{tls_port}";
    $self->{pid} = start_process( "$self->{root}/slapd.log", '/usr/sbin/slapd', '-d', '0', '-h', $urls, '-f',
        "$self->{root}/slapd.conf" );
    wait_for_port( $self->{$_}, 30, $self->{pid} ) or die "slapd does not start, see $self->{root}/slapd.log\n"
        for qw(port tls_port);
    return $self;
}

sub stop {
    my ($self) = @_;
    stop_process( delete $self->{pid} ) if $self->{pid};
    return;
}

sub signal {
    my ( $self, $signal ) = @_;
    return kill $signal, $self->{pid};
}

# Of a section ldap, as written; further ones take their place.
sub settings {
    my ( $self, %more ) = @_;
    my %settings = (
        servers       => "ldaps://127.0.0.1:$self->{tls_port}",
        ca_file       => qq("$self->{root}/ca.pem"),
        bind_dn       => '"cn=gateway,' . BASE . '"',
        password_file => qq("$self->{root}/password"),
        base          => '"' . BASE . '"',
        %more
    );
    return join '', map { "    $_ = $settings{$_}\n" } sort keys %settings;
}

# Another entry, while it runs.
sub add {
    my ( $self, $ldif ) = @_;
    write_file( "$self->{root}/added.ldif", $ldif );
    run( qw(ldapadd -x -w), PASSWORD, '-H', "ldap://127.0.0.1:$self->{port}", '-D', 'cn=gateway,' . BASE, '-f',
        "$self->{root}/added.ldif" );
    return;
}

sub remove {
    my ( $self, @uids ) = @_;
    run( qw(ldapdelete -x -w), PASSWORD, '-H', "ldap://127.0.0.1:$self->{port}", '-D', 'cn=gateway,' . BASE, map { "uid=$_," . BASE } @uids );
    return;
}

# One person of inetOrgPerson.
sub person {
    my ( $uid, @lines ) = @_;
    return join '', map { "$_\n" } "dn: uid=$uid," . BASE, 'objectClass: inetOrgPerson', 'objectClass: mailAccount',
        "uid: $uid", "cn: $uid", "sn: $uid", @lines, '';
}

1;
